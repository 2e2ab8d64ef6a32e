//! What supervisors look at, and streams of it.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use rapport_foundation::context::Context;
use rapport_foundation::id::{AgentId, ContactCommandId, QueueId, WorkItemId};
use rapport_foundation::time::Micros;
use tokio::time::Instant;

use super::command::Command;
use super::{App, Error};
use crate::domain::contact_command::{ContactCommand, Heard};
use crate::domain::statistics::{Load, StaffCount, Sums, Window};
use crate::domain::{
    Adherence, AgentState, Channel, Code, PerChannel, Priority, Promise, Skills,
    Status as AgentStatus,
};

/// What is looked at.
#[derive(Clone, Debug)]
pub(crate) enum Look {
    /// These queues, or all.
    Queues {
        queues: Vec<QueueId>,
        window: Window,
    },
    /// These agents, or all; of one queue, if it is named.
    Agents {
        agents: Vec<AgentId>,
        queue: Option<QueueId>,
    },
    /// How long somebody would wait.
    Wait(Waiter),
}

/// Who waits.
#[derive(Clone, Debug)]
pub(crate) enum Waiter {
    Item(WorkItemId),
    /// Work that would come now.
    New {
        queue: QueueId,
        channel: Option<Channel>,
        /// None: the queue's.
        priority: Option<Priority>,
        /// Besides those of the queue.
        skills: Skills,
    },
}

/// What is seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum View {
    Queues(Seen<QueueView>),
    Agents(Seen<AgentView>),
    Wait(Forecast),
    /// Commands that were handed over.
    Commands(Vec<ContactCommand>),
    /// What came of what a connector said.
    Heard(Vec<HeardOf>),
}

/// What came of what a connector said of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HeardOf {
    pub(crate) id: ContactCommandId,
    pub(crate) attempt: i32,
    pub(crate) heard: Heard,
}

/// Things as they are at one moment, in the order of their ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen<V> {
    pub(crate) views: Vec<V>,
    pub(crate) at: Micros,
    /// Where the window begins.
    pub(crate) from: Micros,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QueueView {
    pub(crate) queue: QueueId,
    pub(crate) load: Load,
    pub(crate) sums: Sums,
    pub(crate) staff: StaffCount,
    /// Of its agents, in tenths of a percent: it moves all the time, and not all of that is worth telling.
    pub(crate) occupancy: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AgentView {
    pub(crate) agent: AgentId,
    pub(crate) status: AgentStatus,
    pub(crate) reason: Option<Code>,
    pub(crate) status_since: Micros,
    pub(crate) present: bool,
    pub(crate) state: AgentState,
    pub(crate) state_since: Micros,
    pub(crate) adherence: Option<Adherence>,
    /// When their shift is looked at again.
    pub(crate) shift_until: Option<Micros>,
    pub(crate) in_hand: PerChannel<u16>,
    pub(crate) limit: PerChannel<u16>,
    pub(crate) parked: usize,
}

/// How long work is likely to wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Forecast {
    pub(crate) queue: QueueId,
    /// How many are before it; none when it is out as an offer.
    pub(crate) ahead: Option<usize>,
    pub(crate) agent_free: bool,
    pub(crate) staffed: bool,
    pub(crate) promise: Option<Promise>,
    /// What came of the promises of a day.
    pub(crate) kept: Sums,
}

/// Something that is told of when it differs from what was told before.
pub(crate) trait Watched: Clone + PartialEq {
    type Id: Copy + Eq + Hash;
    fn id(&self) -> Self::Id;
    fn of(view: View) -> Option<Seen<Self>>;
}

impl Watched for QueueView {
    type Id = QueueId;

    fn id(&self) -> QueueId {
        self.queue
    }

    fn of(view: View) -> Option<Seen<Self>> {
        match view {
            View::Queues(seen) => Some(seen),
            _ => None,
        }
    }
}

impl Watched for AgentView {
    type Id = AgentId;

    fn id(&self) -> AgentId {
        self.agent
    }

    fn of(view: View) -> Option<Seen<Self>> {
        match view {
            View::Agents(seen) => Some(seen),
            _ => None,
        }
    }
}

/// A stream of what changes. It looks when its reader wants the next message, and no more often than it may: what
/// a slow reader costs is what it was told last.
pub(crate) struct Watch<V: Watched> {
    app: App,
    ctx: Context,
    look: Look,
    told: HashMap<V::Id, V>,
    /// What changed and is still to be told.
    rest: Seen<V>,
    /// When it may look again; none before the first time.
    next: Option<Instant>,
    /// When a sign of life is due.
    silent: Instant,
}

impl<V: Watched> Watch<V> {
    /// Things in one message.
    const MOST: usize = 500;

    pub(super) fn new(app: App, ctx: Context, look: Look) -> Self {
        let silent = Instant::now();
        Self {
            app,
            ctx,
            look,
            told: HashMap::new(),
            rest: Seen {
                views: Vec::new(),
                at: Micros::EPOCH,
                from: Micros::EPOCH,
            },
            next: None,
            silent,
        }
    }

    /// The next message: what changed since the one before, or nothing as a sign of life.
    pub(crate) async fn message(&mut self) -> Result<Seen<V>, Error> {
        let config = &self.app.0.config;
        let every = Duration::from_millis(config.statistics_ms.max(1));
        let heartbeat = Duration::from_millis(config.heartbeat_ms.max(1));
        while self.rest.views.is_empty() {
            let is_first = self.next.is_none();
            if let Some(next) = self.next {
                self.until(next).await?;
            }
            self.next = Some(Instant::now() + every);
            match self.app.look(&self.ctx, self.look.clone()).await {
                Ok(view) => self.compare(V::of(view).ok_or(Error::Broken)?),
                // There is a next time.
                Err(Error::Overloaded) if !is_first => {}
                Err(error) => return Err(error),
            }
            if is_first || Instant::now() >= self.silent {
                break;
            }
        }
        self.silent = Instant::now() + heartbeat;
        let later = self
            .rest
            .views
            .split_off(self.rest.views.len().min(Self::MOST));
        let views = std::mem::replace(&mut self.rest.views, later);
        Ok(Seen { views, ..self.rest })
    }

    fn compare(&mut self, seen: Seen<V>) {
        let told = &mut self.told;
        let mut views = seen.views;
        views.retain(|view| told.get(&view.id()) != Some(view));
        told.extend(views.iter().map(|view| (view.id(), view.clone())));
        self.rest = Seen { views, ..seen };
    }

    async fn until(&self, next: Instant) -> Result<(), Error> {
        let env = &self.app.0.env;
        let token_ends = async {
            match self.ctx.token_expires {
                Some(at) => env.clock.sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = tokio::time::sleep_until(next) => Ok(()),
            () = env.shutdown.cancelled() => Err(Error::Draining),
            () = token_ends => Err(Error::token_expired()),
        }
    }
}

impl App {
    /// Looks at what the owner knows; it must be here.
    pub(super) async fn look(&self, ctx: &Context, look: Look) -> Result<View, Error> {
        let command = Command::Look(look);
        let done = self.shell().submit(ctx.tenant, None, command).await?;
        done.seen.map(|seen| *seen).ok_or(Error::Broken)
    }
}
