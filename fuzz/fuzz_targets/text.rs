//! What is written as text or as small numbers: rates, contexts, hex, timelocks and schedules.
#![no_main]

use std::fmt::{Debug, Display};
use std::str::FromStr;

use eots::{AdaptorSignature, PublicRandomness, Signature, XOnlyPublicKey};
use finality::{AccountAddress, ConsumerHeight, RandomnessSchedule, SigningContext};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use staking_scripts::Timelock;
use staking_scripts::bitcoin::Amount;
use staking_scripts::transactions::SlashingRate;

#[derive(Arbitrary, Debug)]
struct Input {
    ten_thousandths: u16,
    amount: u64,
    blocks: u32,
    start_height: u64,
    count: u32,
    interval: u64,
    text: Text,
}

#[derive(Arbitrary, Debug)]
enum Text {
    Any(String),
    /// With the letters at these places in upper case.
    Hex(Vec<u8>, Vec<u8>),
    /// Behind `0.`, with this many zeros after it.
    Rate(u32, u8),
}

impl Text {
    fn written(&self) -> String {
        match self {
            Self::Any(text) => text.clone(),
            Self::Hex(bytes, upper) => {
                let mut text: Vec<u8> =
                    bytes.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect();
                let length = text.len().max(1);
                for place in upper {
                    if let Some(digit) = text.get_mut(usize::from(*place) % length) {
                        digit.make_ascii_uppercase();
                    }
                }
                String::from_utf8(text).unwrap()
            }
            Self::Rate(decimals, zeros) => format!("0.{decimals:04}{}", "0".repeat((*zeros).into())),
        }
    }
}

fuzz_target!(|input: Input| {
    let text = input.text.written();
    let text = text.as_str();
    round_trip::<SlashingRate>(text);
    round_trip::<XOnlyPublicKey>(text);
    round_trip::<AccountAddress>(text);
    round_trip::<ConsumerHeight>(text);
    // Those are written in one way only; hex is read in upper case too.
    for written in [round_trip::<SigningContext>(text)].into_iter().flatten() {
        assert_eq!(written, text);
    }
    let hex = [
        round_trip::<Signature>(text),
        round_trip::<PublicRandomness>(text),
        round_trip::<AdaptorSignature>(text).filter(|written| written.len() == text.len()),
    ];
    for written in hex.into_iter().flatten() {
        assert_eq!(written, text.to_ascii_lowercase());
    }

    assert_eq!(Timelock::from_blocks(input.blocks).is_ok(), (1..=65535).contains(&input.blocks));
    if let Ok(timelock) = Timelock::from_blocks(input.blocks) {
        assert_eq!(u32::from(timelock.blocks()), input.blocks);
        assert_eq!(timelock.sequence().to_consensus_u32(), input.blocks);
    }
    rate(&input);
    schedule(&input);
});

/// What parses is the same when it is written and parsed again; returns it as it is written.
fn round_trip<T: FromStr<Err: Debug> + Display + PartialEq + Debug>(text: &str) -> Option<String> {
    let parsed: T = text.parse().ok()?;
    let written = parsed.to_string();
    assert_eq!(written.parse::<T>().unwrap(), parsed);
    Some(written)
}

fn rate(input: &Input) {
    let parts = input.ten_thousandths;
    let rate = SlashingRate::from_ten_thousandths(parts);
    assert_eq!(rate.is_ok(), (1..10_000).contains(&parts));
    let Ok(rate) = rate else { return };
    assert_eq!(rate.to_string().parse(), Ok(rate));
    assert_eq!(format!("0.{parts:04}00000000000000").parse(), Ok(rate));
    let amount = Amount::from_sat(input.amount % (Amount::MAX_MONEY.to_sat() + 1));
    let slashed = u128::from(rate.slashed_amount(amount).to_sat());
    assert!(slashed <= amount.to_sat().into());
    // Double precision, as the network computes: of large amounts not always the nearest satoshi, but the
    // next to it.
    let exact = u128::from(amount.to_sat()) * u128::from(parts);
    assert!((slashed * 10_000).abs_diff(exact) < 10_000, "{slashed} of {amount}");
}

fn schedule(input: &Input) {
    let Input { start_height, count, interval, .. } = *input;
    let last = u128::from(start_height) + u128::from(count.saturating_sub(1)) * u128::from(interval);
    let start_height = ConsumerHeight(start_height);
    let schedule = RandomnessSchedule::new(start_height, count, interval);
    assert_eq!(schedule.is_ok(), interval > 0 && last <= u64::MAX.into() && count <= 10_000_000);
    if let Ok(schedule) = schedule {
        let heights: Vec<_> = schedule.heights().take(100).collect();
        assert!(heights.is_sorted_by(|one, next| next.blocks_after(*one) == Some(interval)));
        assert_eq!(heights.len(), usize::try_from(count.min(100)).unwrap());
        assert_eq!(heights.first(), (count > 0).then_some(&start_height));
    }
}
