//! The body of a request: one message, of bounded size, in bounded time.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::Status;
use tonic::body::Body;

use crate::wire::MAX_MESSAGE_BYTES;

/// The flag and the length before a message.
const PREFIX: usize = 5;

/// Memory that is reserved at a time.
const KIBIBYTE: usize = 1 << 10;
/// Messages up to this length are taken in whatever others hold: votes are smaller.
const SMALL: usize = 4 << 10;

/// The memory that all bodies share while they come in, and the time that one may take.
#[derive(Debug, Clone)]
pub(super) struct Intake {
    /// In KiB.
    memory: Arc<Semaphore>,
    within: Duration,
}

/// A body that came in, and the memory that it holds.
pub(super) struct Taken {
    /// Flag, length and message.
    pub(super) bytes: Bytes,
    _memory: Option<OwnedSemaphorePermit>,
}

impl Taken {
    /// Returns the message.
    pub(super) fn message(&self) -> Bytes {
        self.bytes.slice(PREFIX.min(self.bytes.len())..)
    }
}

impl Intake {
    pub(super) fn new(memory: usize, within: Duration) -> Self {
        Self { memory: Arc::new(Semaphore::new(memory.div_euclid(KIBIBYTE))), within }
    }

    /// Takes a body in.
    pub(super) async fn take(&self, body: Body) -> Result<Taken, Status> {
        let taken = tokio::time::timeout(self.within, self.collect(body)).await;
        taken.map_err(|_| Status::deadline_exceeded("the message did not come in time"))?
    }

    async fn collect(&self, mut body: Body) -> Result<Taken, Status> {
        let too_large = || {
            let limit = MAX_MESSAGE_BYTES;
            Status::resource_exhausted(format!("the message is too large; must have at most {limit} bytes"))
        };
        let mut first: Option<Bytes> = None;
        let mut all = BytesMut::new();
        let mut memory: Option<OwnedSemaphorePermit> = None;
        let (mut length, mut reserved) = (0_usize, 0_usize);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| Status::cancelled("the request was not finished"))?;
            let Ok(data) = frame.into_data() else { continue };
            length = length.saturating_add(data.len());
            if length > MAX_MESSAGE_BYTES.saturating_add(PREFIX) {
                return Err(too_large());
            }
            // By the length of all, as a piece may be a byte.
            let needed = if length > SMALL { length.div_ceil(KIBIBYTE) } else { 0 };
            let kibibytes = u32::try_from(needed.saturating_sub(reserved)).unwrap_or(u32::MAX);
            reserved = needed;
            let more = self.memory.clone().try_acquire_many_owned(kibibytes).map_err(|_| {
                Status::resource_exhausted("too many messages are coming in at once; must wait")
            })?;
            match &mut memory {
                Some(memory) => memory.merge(more),
                None => memory = Some(more),
            }
            // Nearly every message is one piece, and is not copied.
            match (&first, all.is_empty()) {
                (None, true) => first = Some(data),
                (Some(before), true) => {
                    all.extend_from_slice(before);
                    all.extend_from_slice(&data);
                }
                _ => all.extend_from_slice(&data),
            }
        }
        let bytes = if all.is_empty() { first.unwrap_or_default() } else { all.freeze() };
        check_prefix(&bytes)?;
        Ok(Taken { bytes, _memory: memory })
    }
}

/// Checks that there is one message, uncompressed, and nothing after it.
fn check_prefix(bytes: &[u8]) -> Result<(), Status> {
    let Some((prefix, message)) = bytes.split_first_chunk::<PREFIX>() else {
        return Err(Status::invalid_argument("the request has no message; must have one"));
    };
    let [flag, length @ ..] = prefix;
    if *flag != 0 {
        return Err(Status::unimplemented("the message is compressed; must not be"));
    }
    if usize::try_from(u32::from_be_bytes(*length)) != Ok(message.len()) {
        return Err(Status::invalid_argument("the message has another length than it states"));
    }
    Ok(())
}
