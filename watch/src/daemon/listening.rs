//! A thread that asks the secured chain. It may be kept waiting for as long as a node likes: nobody who
//! slashes waits for it.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use babylon::node::ChainNode;
use staking_scripts::{Parameters, ParametersHistory};

use crate::sources::{Heard, SecuredChain};

/// How much waits to be heard: the thread stops asking where nobody listens.
const MOST_WAITING: usize = 1_000;
/// How long it waits when nothing is new.
const BETWEEN: Duration = if cfg!(test) { Duration::from_millis(5) } else { Duration::from_secs(2) };
/// How often the parameters are asked for: a stake under a version that is not known is not understood.
const PARAMETERS_EVERY: Duration = Duration::from_secs(600);

/// What the thread says.
pub(super) enum Said {
    /// Something that the chain says.
    Heard(Heard),
    /// The chain's parameters.
    Parameters(Box<ParametersHistory<Parameters>>),
    /// What is wrong with the chain's node; `None` where nothing is.
    Fault(Option<String>),
}

/// The thread. It ends when this is dropped, and its node has answered.
pub(super) struct Listening(Receiver<Said>);

impl Listening {
    pub(super) fn start(node: Arc<dyn ChainNode>, asks_parameters: bool) -> Self {
        let (send, said) = sync_channel(MOST_WAITING);
        std::thread::spawn(move || listen(&*node, asks_parameters, &send));
        Self(said)
    }

    /// Returns the next thing that was said; `None` where nothing is.
    pub(super) fn next(&self) -> Option<Said> {
        self.0.try_recv().ok()
    }
}

fn listen(node: &dyn ChainNode, asks_parameters: bool, send: &SyncSender<Said>) {
    let mut chain = SecuredChain::new(node);
    let mut parameters_asked: Option<Instant> = None;
    loop {
        let now = Instant::now();
        let is_due = |asked: Instant| now.saturating_duration_since(asked) >= PARAMETERS_EVERY;
        if asks_parameters && parameters_asked.is_none_or(is_due) {
            parameters_asked = Some(now);
            // Where it does not answer, its fault is told by what else it is asked.
            if let Ok(found) = babylon::query::parameters(node)
                && send.send(Said::Parameters(Box::new(found))).is_err()
            {
                return;
            }
        }
        let mut is_heard = true;
        let asked = chain.step(now, &mut |heard| is_heard &= send.send(Said::Heard(heard)).is_ok());
        let (fault, is_more) = match asked {
            Ok(is_more) => (None, is_more),
            Err(error) => (Some(babylon::with_causes(&error)), false),
        };
        if !is_heard || send.send(Said::Fault(fault)).is_err() {
            return;
        }
        if !is_more {
            std::thread::sleep(BETWEEN);
        }
    }
}
