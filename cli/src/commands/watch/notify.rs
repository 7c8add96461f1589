//! Alerts for somebody else: a command that is run, a webhook that is called, and a heartbeat among them, so
//! that silence is noticed.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use endpoint::{Endpoint, Limits, Url};
use serde_json::{Value, json};

/// How many notices wait at most. What is more is in the log alone.
const MOST_WAITING: usize = 10_000;
/// How long a command or a call may take.
const WITHIN: Duration = Duration::from_secs(10);
/// How often one is tried, and how long is waited after the first failure; after each more, twice as long.
const TRIES: u32 = 6;
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// Who is notified.
#[derive(clap::Args)]
pub(super) struct NotifyArgs {
    /// Run this program for each alert, with the alert as one JSON object on its standard input. Its name
    /// alone, or a path; it gets no arguments.
    #[arg(long, value_name = "PROGRAM")]
    alert_command: Option<std::path::PathBuf>,
    /// Call this URL for each alert: POST, with the alert as JSON. On loopback, where a relay may be.
    #[arg(long, value_name = "URL")]
    alert_webhook: Option<Url>,
    /// Let --alert-webhook be on another host, which then learns of every alert.
    #[arg(long, requires = "alert_webhook")]
    alert_webhook_anywhere: bool,
    /// Notify of a heartbeat so often: whoever watches over it notices when it is gone.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    heartbeat: Option<u64>,
}

/// Notifies, from a thread of its own: a command that hangs keeps nobody from slashing.
#[derive(Clone)]
pub(super) struct Notifier {
    queue: Option<SyncSender<Value>>,
}

impl NotifyArgs {
    /// Starts the thread.
    pub(super) fn start(&self) -> anyhow::Result<Notifier> {
        let webhook = match &self.alert_webhook {
            Some(url) => {
                ensure!(
                    self.alert_webhook_anywhere || url.is_on_loopback(),
                    "--alert-webhook is {url}; must be on loopback, unless --alert-webhook-anywhere is given"
                );
                Some(Endpoint::new(url.clone(), Limits { within: WITHIN, most_bytes: 65_536 }))
            }
            None => None,
        };
        let command = self.alert_command.clone();
        if webhook.is_none() && command.is_none() {
            ensure!(
                self.heartbeat.is_none(),
                "--heartbeat is given; must be absent without --alert-command or --alert-webhook"
            );
            return Ok(Notifier { queue: None });
        }
        let (send, receive) = sync_channel(MOST_WAITING);
        std::thread::spawn(move || deliver(&receive, command.as_deref(), webhook.as_ref()));
        Ok(Notifier { queue: Some(send) })
    }

    /// Returns how often a heartbeat is told.
    pub(super) fn heartbeat(&self) -> Option<Duration> {
        self.heartbeat.map(Duration::from_secs)
    }
}

impl Notifier {
    /// Notifies of something. It returns at once.
    pub(super) fn notify(&self, kind: &str, text: &str, more: Value) {
        let Some(queue) = &self.queue else { return };
        let notice = json!({ "kind": kind, "text": text, "details": more });
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = queue.try_send(notice) {
            tracing::error!(kind, "not notified of: too many notices wait");
        }
    }
}

fn deliver(notices: &Receiver<Value>, command: Option<&std::path::Path>, webhook: Option<&Endpoint>) {
    for notice in notices {
        let kind = notice.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
        let each: [(&str, &dyn Fn() -> anyhow::Result<()>); 2] = [
            ("--alert-command", &|| command.map_or(Ok(()), |program| execute(program, &notice))),
            ("--alert-webhook", &|| webhook.map_or(Ok(()), |endpoint| call(endpoint, &notice))),
        ];
        for (way, deliver) in each {
            // A heartbeat that is late is none.
            let tries = if kind == "heartbeat" { 1 } else { TRIES };
            let mut wait = FIRST_WAIT;
            for attempt in 1..=tries {
                let Err(error) = deliver() else { break };
                tracing::warn!(way, kind, attempt, error = format!("{error:#}"), "could not notify");
                if attempt < tries {
                    std::thread::sleep(wait);
                    wait = wait.saturating_mul(2);
                }
            }
        }
    }
}

/// Runs a program, and ends it when it takes too long.
fn execute(program: &std::path::Path, notice: &Value) -> anyhow::Result<()> {
    let mut command = Command::new(program);
    // What it starts ends with it.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot run {}", program.display()))?;
    // One that does not read it is no failure, and keeps nobody waiting.
    let (input, text) = (child.stdin.take(), format!("{notice}\n"));
    std::thread::spawn(move || input.map(|mut input| input.write_all(text.as_bytes())));
    let begun = Instant::now();
    let status = loop {
        match child.try_wait()? {
            Some(status) => break status,
            None if begun.elapsed() > WITHIN => {
                kill(&mut child)?;
                child.wait()?;
                anyhow::bail!("it took more than {} seconds", WITHIN.as_secs());
            }
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    ensure!(status.success(), "it ended with {status}");
    Ok(())
}

/// Ends a program, and what it has started.
fn kill(child: &mut std::process::Child) -> std::io::Result<()> {
    #[cfg(unix)]
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        return Ok(rustix::process::kill_process_group(group, rustix::process::Signal::KILL)?);
    }
    child.kill()
}

fn call(endpoint: &Endpoint, notice: &Value) -> anyhow::Result<()> {
    let answer = endpoint.post("", notice)?;
    ensure!((200..300).contains(&answer.status), "it answered with the status {}", answer.status);
    Ok(())
}
