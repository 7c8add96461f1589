//! What a flow did on both chains, and when.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use babylon::Message;
use babylon::client::Sent;
use bitcoin::Transaction;

/// Something that was done.
pub(crate) enum Deed {
    /// A part of the flow begins.
    Part { title: &'static str, text: String },
    /// A transaction of the secured chain was executed.
    Sent { sent: Sent, kinds: Vec<String> },
    /// A transaction is in a block of Bitcoin.
    Confirmed { transaction: Transaction, height: u32 },
}

/// All that was done, each with the time since the beginning.
pub(crate) struct Journal {
    begun: Instant,
    deeds: RefCell<Vec<(Duration, Deed)>>,
}

impl Journal {
    pub(crate) fn new() -> Self {
        Self { begun: Instant::now(), deeds: RefCell::default() }
    }

    fn add(&self, deed: Deed) {
        self.deeds.borrow_mut().push((self.begun.elapsed(), deed));
    }

    /// What follows is a part of its own.
    pub(crate) fn part(&self, title: &'static str, text: impl Into<String>) {
        self.add(Deed::Part { title, text: text.into() });
    }

    pub(crate) fn sent(&self, sent: &Sent, messages: &[Message]) {
        let mut kinds: Vec<_> = messages.iter().map(|message| kind(message.type_url())).collect();
        kinds.sort();
        let kinds = kinds.chunk_by(|one, other| one == other).map(|same| match same {
            [one] => (*one).clone(),
            _ => format!("{} × {}", same.len(), same.first().map_or("", String::as_str)),
        });
        self.add(Deed::Sent { sent: sent.clone(), kinds: kinds.collect() });
    }

    pub(crate) fn confirmed(&self, transaction: &Transaction, height: u32) {
        self.add(Deed::Confirmed { transaction: transaction.clone(), height });
    }

    /// The time since the beginning.
    pub(crate) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// All that was done so far; it begins anew.
    pub(crate) fn take(&self) -> Vec<(Duration, Deed)> {
        self.deeds.take()
    }
}

/// The last part of a message's type: MsgSend.
fn kind(type_url: &str) -> String {
    type_url.rsplit('.').next().unwrap_or(type_url).to_owned()
}

/// How much time of processors this process has taken, where the system tells (Linux). Its children have
/// their own.
pub(crate) fn own_cpu() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program, in brackets, may have anything in it; then comes the third field.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    // A hundred ticks a second, on every Linux that there is.
    Some(Duration::from_millis((user + system) * 10))
}
