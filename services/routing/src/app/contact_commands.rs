//! Commands to the connectors that hold contacts: looked at, made by supervisors, and one stream of a connector.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use rapport_foundation::bell::Ear;
use rapport_foundation::context::Context;
use rapport_foundation::error::{Code, Failure};
use rapport_foundation::id::{AgentId, ContactCommandId, TenantId, WorkItemId};
use rapport_foundation::idempotency::Key;
use rapport_foundation::personal::Personal;
use rapport_foundation::time::Micros;
use tokio::sync::mpsc;
use tokio::time::Instant;
use uuid::Uuid;

use super::command::{Command, Report};
use super::watch::{HeardOf, View};
use super::{App, Error, Listed, Paging, found, part};
use crate::domain::contact_command::{
    CommandKind, CommandState, ContactCommand, Heard as Answer, Taker,
};
use crate::store::CommandFilter;

/// Commands handed over in one decision.
const ROUND: usize = 64;
/// Words of a connector that are taken in together.
const TOGETHER: usize = 64;
/// Messages that may wait for a connector.
const BACKLOG: usize = 128;
/// How often it is looked for commands whose leases ended; what is new rings.
const LOOK: Duration = Duration::from_secs(1);
/// A connector that takes no message for so long is not kept.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a connector says.
#[derive(Debug)]
pub(crate) enum Heard {
    /// How many commands it takes at a time.
    Opening(usize),
    /// Something of an attempt.
    Report(Report),
    /// Something that cannot be understood, about what it calls by this name.
    Wrong(String, Failure),
}

/// What a connector is told.
#[derive(Debug)]
pub(crate) enum Spoken {
    /// Something to do, how its agent is reached, and for how long from now.
    Delivery(Box<ContactCommand>, Personal, Duration),
    /// It may be done, and its outcome is waited for so long.
    Confirmed(ContactCommandId, i32, Micros, Duration),
    /// It must not be done, as far as this is known; there is no such command without a state.
    Withdrawn(ContactCommandId, i32, Option<CommandState>),
    /// What was said is durable.
    Receipt(ContactCommandId, i32, CommandState),
    /// What was said cannot be understood.
    Refused(String, Failure),
    /// A mere sign of life.
    Alive,
}

impl App {
    pub(crate) async fn monitor_work_item(
        &self,
        ctx: &Context,
        key: Key,
        item: WorkItemId,
        (how, by): (CommandKind, AgentId),
        reason: Personal,
    ) -> Result<ContactCommand, Error> {
        self.get_work_item(ctx, item).await?;
        let said = self.said(ctx, None, reason).await?;
        let command = Command::MonitorWork {
            item,
            how,
            by,
            said,
        };
        let done = self.shell().submit(ctx.tenant, Some(key), command).await?;
        let id = ContactCommandId::from_uuid(done.id);
        let stored = self.store().contact_command(ctx.tenant, id).await?;
        found(stored, "contact command", id)
    }

    /// A connector sees its own only.
    pub(crate) async fn list_contact_commands(
        &self,
        ctx: &Context,
        mut filter: CommandFilter,
        paging: &Paging,
    ) -> Result<Listed<ContactCommand>, Error> {
        filter.connector.clone_from(&ctx.connector);
        let query = [
            "ListContactCommands".to_owned(),
            part(filter.state.map(CommandState::as_str)),
            part(filter.item),
            part(filter.interaction),
            part(filter.connector.as_deref()),
        ];
        let listing = self.listing(ctx, &query.each_ref().map(String::as_str), paging)?;
        let store = self.store();
        let page = store
            .contact_commands(ctx.tenant, &filter, listing.after, listing.size)
            .await?;
        Ok(listing.listed(page))
    }

    /// Hands commands to a connector until it leaves, does not read, or may not.
    pub(crate) fn deliver_commands(
        &self,
        ctx: &Context,
        heard: BoxStream<'static, Result<Heard, Failure>>,
    ) -> Result<mpsc::Receiver<Result<Spoken, Error>>, Error> {
        let connector = ctx.connector.as_deref().ok_or(Error::NotAConnector)?;
        let connector: Arc<str> = connector.into();
        let (out, spoken) = mpsc::channel(BACKLOG);
        let courier = Courier {
            ear: self.shell().ear(ctx.tenant, &connector),
            app: self.clone(),
            tenant: ctx.tenant,
            connector,
            stream: Uuid::now_v7(),
            window: None,
            held: HashMap::new(),
            out,
        };
        tokio::spawn(courier.work(ctx.token_expires, heard));
        Ok(spoken)
    }
}

/// Why a stream is over.
enum Ending {
    /// The connector is gone.
    Left,
    Failed(Error),
}

impl From<Error> for Ending {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// One stream.
struct Courier {
    app: App,
    tenant: TenantId,
    connector: Arc<str>,
    stream: Uuid,
    /// How many the connector takes at a time, once it has said so.
    window: Option<usize>,
    /// The attempts the connector has, and until when.
    held: HashMap<ContactCommandId, (i32, Instant)>,
    ear: Ear,
    out: mpsc::Sender<Result<Spoken, Error>>,
}

impl Courier {
    async fn work(
        mut self,
        expires: Option<Micros>,
        heard: BoxStream<'static, Result<Heard, Failure>>,
    ) {
        let ended = self.run(expires, heard).await;
        // What it had goes to the next stream; should nobody hear this, the leases end.
        let left = Command::LeaveCommands(self.stream);
        if let Err(error) = self.app.shell().submit(self.tenant, None, left).await {
            tracing::debug!(%error, "what a stream had is not put back at once");
        }
        if let Err(Ending::Failed(error)) = ended {
            // Perhaps nobody reads.
            let _ = self.out.try_send(Err(error));
        }
    }

    async fn run(
        &mut self,
        expires: Option<Micros>,
        heard: BoxStream<'static, Result<Heard, Failure>>,
    ) -> Result<(), Ending> {
        let app = self.app.clone();
        let env = &app.0.env;
        let heartbeat = Duration::from_millis(app.0.config.heartbeat_ms.max(1));
        let mut heard = heard.ready_chunks(TOGETHER);
        let mut alive = Instant::now();
        let expired = env.clock.sleep_until(expires.unwrap_or(Micros::MAX));
        tokio::pin!(expired);
        loop {
            let told = self.withdraw().await? + self.hand_over().await?;
            if told > 0 {
                alive = Instant::now();
            } else if alive.elapsed() >= heartbeat {
                self.tell(Spoken::Alive).await?;
                alive = Instant::now();
            }
            let out = self.out.clone();
            tokio::select! {
                biased;
                () = out.closed() => return Err(Ending::Left),
                () = env.shutdown.cancelled() => return Err(Error::Draining.into()),
                () = &mut expired => return Err(Error::token_expired().into()),
                said = heard.next() => match said {
                    Some(said) => {
                        self.hear(said).await?;
                        alive = Instant::now();
                    }
                    // What nobody can speak of any more is not handed over.
                    None => return Ok(()),
                },
                // While there is more to hand over nothing is waited for.
                () = std::future::ready(()), if told > 0 => {}
                () = self.ear.rung() => {}
                () = tokio::time::sleep(LOOK.min(heartbeat)) => {}
            }
        }
    }

    fn taker(&self, most: usize) -> Taker {
        Taker {
            connector: Arc::clone(&self.connector),
            stream: self.stream,
            most,
        }
    }

    fn lease(&self) -> Duration {
        self.app.0.config.command_pace().lease
    }

    /// Hands over what there is room for; answers how many.
    async fn hand_over(&mut self) -> Result<usize, Ending> {
        let room = self.window.unwrap_or(0).saturating_sub(self.held.len());
        if room == 0 {
            return Ok(0);
        }
        let take = Command::TakeCommands(self.taker(room.min(ROUND)));
        let done = self.app.shell().submit(self.tenant, None, take).await;
        let seen = match done {
            Ok(done) => done.seen.map(|seen| *seen),
            // There is a next time.
            Err(Error::Overloaded) => return Ok(0),
            Err(error) => return Err(error.into()),
        };
        let Some(View::Commands(taken)) = seen else {
            return Err(Error::Broken.into());
        };
        let addresses = self.addresses(&taken).await?;
        let lease = self.lease();
        let (count, end) = (taken.len(), Instant::now() + lease);
        for command in taken {
            let (id, attempt) = (command.id, command.attempt);
            // The database ended the lease before this clock did.
            if let Some((before, _)) = self.held.insert(id, (attempt, end)) {
                let over = Spoken::Withdrawn(id, before, Some(CommandState::Waiting));
                self.tell(over).await?;
            }
            let address = command.agent.and_then(|agent| addresses.get(&agent));
            let address = address.cloned().unwrap_or_default();
            self.tell(Spoken::Delivery(Box::new(command), address, lease))
                .await?;
        }
        Ok(count)
    }

    /// How the agents are reached whom commands are about.
    async fn addresses(
        &self,
        commands: &[ContactCommand],
    ) -> Result<HashMap<AgentId, Personal>, Error> {
        let agents: BTreeSet<AgentId> = commands.iter().filter_map(|one| one.agent).collect();
        let agents: Vec<AgentId> = agents.into_iter().collect();
        if agents.is_empty() {
            return Ok(HashMap::new());
        }
        let store = self.app.store();
        Ok(store.addresses(self.tenant, &agents).await?)
    }

    /// Withdraws what the connector has had for too long; answers how many.
    async fn withdraw(&mut self) -> Result<usize, Ending> {
        let now = Instant::now();
        let over = self.held.iter().filter(|(_, (_, end))| *end <= now);
        let over: Vec<_> = over.map(|(id, (attempt, _))| (*id, *attempt)).collect();
        for (id, attempt) in &over {
            self.held.remove(id);
            let ended = Spoken::Withdrawn(*id, *attempt, Some(CommandState::Waiting));
            self.tell(ended).await?;
        }
        Ok(over.len())
    }

    async fn hear(&mut self, said: Vec<Result<Heard, Failure>>) -> Result<(), Ending> {
        let mut reports = Vec::new();
        for said in said {
            let said = match said {
                Ok(said) => said,
                Err(failure) => {
                    // What was said before is still taken in.
                    self.answer(reports).await?;
                    return Err(Error::from(failure).into());
                }
            };
            match said {
                Heard::Opening(window) => self.window = Some(window),
                _ if self.window.is_none() => return Err(not_opened().into()),
                Heard::Report(report) => reports.push(report),
                Heard::Wrong(name, failure) => self.tell(Spoken::Refused(name, failure)).await?,
            }
        }
        self.answer(reports).await
    }

    async fn answer(&mut self, reports: Vec<Report>) -> Result<(), Ending> {
        if reports.is_empty() {
            return Ok(());
        }
        let taker = self.taker(0);
        let command = Command::HearCommands { taker, reports };
        let done = self.app.shell().submit(self.tenant, None, command).await?;
        let Some(View::Heard(answers)) = done.seen.map(|seen| *seen) else {
            return Err(Error::Broken.into());
        };
        let lease = self.lease();
        for HeardOf { id, attempt, heard } in answers {
            let spoken = match heard {
                Answer::Confirmed(until) => Spoken::Confirmed(id, attempt, until, lease),
                Answer::Withdrawn(state) => Spoken::Withdrawn(id, attempt, Some(state)),
                Answer::Noted(state) => Spoken::Receipt(id, attempt, state),
                Answer::Unknown => Spoken::Withdrawn(id, attempt, None),
            };
            if matches!(spoken, Spoken::Confirmed(..)) {
                self.held.insert(id, (attempt, Instant::now() + lease));
            } else if self.held.get(&id).is_some_and(|(held, _)| *held == attempt) {
                self.held.remove(&id);
            }
            self.tell(spoken).await?;
        }
        Ok(())
    }

    async fn tell(&self, spoken: Spoken) -> Result<(), Ending> {
        match self.out.send_timeout(Ok(spoken), PATIENCE).await {
            Ok(()) => Ok(()),
            Err(mpsc::error::SendTimeoutError::Closed(_)) => Err(Ending::Left),
            Err(mpsc::error::SendTimeoutError::Timeout(_)) => Err(Error::slow_reader().into()),
        }
    }
}

fn not_opened() -> Error {
    Error::Failed(Failure::new(
        Code::FailedPrecondition,
        "STREAM_NOT_OPENED",
        "The first message of a stream says how much it takes.",
    ))
}
