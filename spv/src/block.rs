//! The bytes of a block, walked without parsing its transactions: all but what a visitor asks for is skipped
//! by its length, and nothing is allocated.

/// The length of a block's header in bytes.
const HEADER: usize = 80;

/// The largest size of a block in bytes: each byte weighs at least 1, and a block at most 4 000 000
/// (BIP-141).
const MAX_BLOCK: usize = 4_000_000;

/// What the only input of a coinbase spends: the output 2³²−1 of the transaction 00…00.
const NULL_OUTPOINT: [u8; 36] = {
    let mut outpoint = [0; 36];
    (outpoint[32], outpoint[33], outpoint[34], outpoint[35]) = (0xff, 0xff, 0xff, 0xff);
    outpoint
};

/// The length of an input without a script: what it spends, the script's length, and nSequence.
const EMPTY_INPUT: usize = 41;

/// The bytes are not a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BlockBytesError {
    /// There are more bytes than any block has.
    #[error("the block has {0} bytes; must have at most {MAX_BLOCK}")]
    TooLong(usize),
    /// The bytes end within the block.
    #[error("the block ends at byte {offset}; must have {needed} more bytes")]
    Truncated {
        /// The offset in bytes of the field that is cut off.
        offset: usize,
        /// The length of the field in bytes.
        needed: u64,
    },
    /// A compact size is not in its shortest form.
    #[error("the number {number} before byte {offset} is written too long; must be in the shortest form")]
    NotShortest {
        /// The offset in bytes of its end.
        offset: usize,
        /// The number.
        number: u64,
    },
    /// The flag of a transaction with witnesses is not 1 (BIP-144).
    #[error("the transaction at position {position} has the flag {flag}; must be 1")]
    UnknownFlag {
        /// The position of the transaction.
        position: u32,
        /// The flag.
        flag: u8,
    },
    /// A transaction has the flag of witnesses, and all of them are empty (BIP-144).
    #[error("the transaction at position {0} announces witnesses and has none; must have one")]
    NoWitness(u32),
    /// Bytes follow the last transaction.
    #[error("{0} bytes follow the last transaction; none must")]
    Trailing(usize),
}

/// What is told of a block's transactions while [`walk_block`] passes over them, in their order. Until the
/// walk has ended well, the bytes may still turn out to be no block.
pub trait BlockVisitor<'a> {
    /// The script of a coinbase's only input. A transaction is a coinbase where its only input spends the
    /// null outpoint; that only the first of a block is one, is not checked.
    fn coinbase(&mut self, script_sig: &'a [u8]) {
        let _ = script_sig;
    }

    /// An output: its number in the transaction, from 0, its script, and whether it is a coinbase's.
    fn output(&mut self, index: u32, script_pubkey: &'a [u8], is_coinbase: bool);

    /// The end of a transaction: its position in the block, from 0, and its bytes with its witnesses.
    fn transaction(&mut self, position: u32, bytes: &'a [u8]) {
        let _ = (position, bytes);
    }
}

/// Walks over a block as nodes serialize it, witnesses included. What is accepted is what
/// [`bitcoin::consensus::deserialize`] reads as a block of at most 4 000 000 bytes. Neither the header nor
/// its Merkle root is checked.
///
/// # Errors
/// [`BlockBytesError`] when the bytes are not a block.
pub fn walk_block<'a>(block: &'a [u8], visitor: &mut impl BlockVisitor<'a>) -> Result<(), BlockBytesError> {
    if block.len() > MAX_BLOCK {
        return Err(BlockBytesError::TooLong(block.len()));
    }
    let mut bytes = Bytes { all: block.len(), rest: block };
    bytes.take(HEADER)?;
    let mut position = 0_u32;
    for _ in 0..bytes.number()? {
        let start = bytes.rest;
        bytes.transaction(position, visitor)?;
        let length = start.len().saturating_sub(bytes.rest.len());
        visitor.transaction(position, start.get(..length).unwrap_or(start));
        position = position.saturating_add(1);
    }
    if bytes.rest.is_empty() { Ok(()) } else { Err(BlockBytesError::Trailing(bytes.rest.len())) }
}

/// The bytes of a block that are not read yet.
struct Bytes<'a> {
    /// The size of the block in bytes.
    all: usize,
    rest: &'a [u8],
}

impl<'a> Bytes<'a> {
    /// Passes over a transaction (BIP-144).
    #[inline]
    fn transaction(
        &mut self,
        position: u32,
        visitor: &mut impl BlockVisitor<'a>,
    ) -> Result<(), BlockBytesError> {
        self.take(4)?;
        let mut inputs = self.number()?;
        // No inputs: the marker of a transaction with witnesses.
        let has_witnesses = inputs == 0;
        if has_witnesses {
            let [flag] = self.array()?;
            if flag != 1 {
                return Err(BlockBytesError::UnknownFlag { position, flag });
            }
            inputs = self.number()?;
        }
        let mut is_coinbase = false;
        for _ in 0..inputs {
            // Most inputs have no script, and take one step.
            if inputs > 1
                && let Some((&[.., 0, _, _, _, _], rest)) = self.rest.split_first_chunk::<EMPTY_INPUT>()
            {
                self.rest = rest;
                continue;
            }
            let outpoint = self.take(NULL_OUTPOINT.len())?;
            let script_sig = self.prefixed()?;
            // Of nearly all inputs the number alone tells.
            let may_be_null = inputs == 1 && outpoint.ends_with(&[0xff; 4]);
            if may_be_null && outpoint == NULL_OUTPOINT {
                is_coinbase = true;
                visitor.coinbase(script_sig);
            }
            self.take(4)?;
        }
        let mut index = 0_u32;
        for _ in 0..self.number()? {
            visitor.output(index, self.output()?, is_coinbase);
            index = index.saturating_add(1);
        }
        if has_witnesses {
            self.witnesses(position, inputs)?;
        }
        self.take(4).map(drop)
    }

    /// Skips an output's value, and reads its script.
    #[inline]
    fn output(&mut self) -> Result<&'a [u8], BlockBytesError> {
        if let Some((&[.., length @ ..0xfd], rest)) = self.rest.split_first_chunk::<9>()
            && let Some((script, rest)) = rest.split_at_checked(length.into())
        {
            self.rest = rest;
            return Ok(script);
        }
        self.take(8)?;
        self.prefixed()
    }

    #[inline]
    fn witnesses(&mut self, position: u32, inputs: u64) -> Result<(), BlockBytesError> {
        let mut elements = 0_u64;
        for _ in 0..inputs {
            let count = self.number()?;
            elements = elements.saturating_add(count);
            for _ in 0..count {
                self.prefixed()?;
            }
        }
        if elements == 0 && inputs > 0 { Err(BlockBytesError::NoWitness(position)) } else { Ok(()) }
    }

    /// Reads a compact size, which must be in its shortest form. Nearly all are a byte.
    #[inline(always)]
    fn number(&mut self) -> Result<u64, BlockBytesError> {
        match self.rest {
            [short @ ..0xfd, rest @ ..] => {
                self.rest = rest;
                Ok(u64::from(*short))
            }
            _ => self.long_number(),
        }
    }

    #[cold]
    fn long_number(&mut self) -> Result<u64, BlockBytesError> {
        let [first] = self.array()?;
        let (number, least) = match first {
            0xfd => (u16::from_le_bytes(self.array()?).into(), 0xfd),
            0xfe => (u32::from_le_bytes(self.array()?).into(), 0x1_0000),
            0xff => (u64::from_le_bytes(self.array()?), 0x1_0000_0000),
            short => return Ok(short.into()),
        };
        if number < least {
            return Err(BlockBytesError::NotShortest { offset: self.offset(), number });
        }
        Ok(number)
    }

    /// Reads bytes after their length.
    #[inline(always)]
    fn prefixed(&mut self) -> Result<&'a [u8], BlockBytesError> {
        let needed = self.number()?;
        // A length above what the machine can address is beyond the end, too.
        match usize::try_from(needed) {
            Ok(length) => self.take(length),
            Err(_) => Err(BlockBytesError::Truncated { offset: self.offset(), needed }),
        }
    }

    #[inline(always)]
    fn take(&mut self, length: usize) -> Result<&'a [u8], BlockBytesError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or_else(|| self.truncated(length))?;
        self.rest = rest;
        Ok(taken)
    }

    #[inline(always)]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], BlockBytesError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or_else(|| self.truncated(N))?;
        self.rest = rest;
        Ok(*taken)
    }

    fn offset(&self) -> usize {
        self.all.saturating_sub(self.rest.len())
    }

    #[cold]
    fn truncated(&self, needed: usize) -> BlockBytesError {
        BlockBytesError::Truncated {
            offset: self.offset(),
            needed: u64::try_from(needed).unwrap_or(u64::MAX),
        }
    }
}
