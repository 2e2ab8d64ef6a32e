//! The owner of one tenant: takes what waits, has it decided, stores the decision, and only
//! then answers. One batch at a time, so memory is never further than one unstored decision.

use std::collections::HashSet;
use std::time::Duration;

use rapport_foundation::db;
use rapport_foundation::id::TenantId;
use rapport_foundation::time::Micros;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::desks::Desks;
use super::kept::{self, Kept};
use super::pace::Pace;
use super::recount::recount;
use super::shell::Means;
use super::timers::SlaTimers;
use crate::app::Error;
use crate::app::command::{Command, Done};
use crate::app::decide::{Asked, Folded, RoutingBook, Tenant, fold, needs};
use crate::domain::contact_command::CommandBook;
use crate::domain::engine::Engine;
use crate::domain::policy::Published;
use crate::store::{Committed, Decision, Lease};

/// A command and who waits for its answer.
#[derive(Debug)]
pub(super) struct Submission {
    pub(super) asked: Asked,
    pub(super) answer: oneshot::Sender<Result<Done, Error>>,
}

/// The first pause after the store failed, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(500));

pub(super) struct Lane {
    tenant: TenantId,
    means: Means,
    waiting: mpsc::Receiver<Submission>,
    /// What could not be decided with the batch it came in.
    carried: Vec<Submission>,
    lease: Option<Lease>,
    /// How often this process had lapsed when it began: once more, and whatever it held is another's.
    lapses: watch::Receiver<u64>,
    /// Another process decides for the tenant.
    over: bool,
    deadline: Option<Micros>,
    /// When a command is given up.
    expires_at: Option<Micros>,
    pace: Pace,
    timers: SlaTimers,
    kept: Kept,
    desks: Desks,
}

/// How storing a decision went.
enum Stored {
    Yes,
    /// Another process owns the tenant.
    Fenced,
    /// It may or may not be stored: the store failed for longer than our patience.
    Unknown(db::Error),
    /// It is not stored and never will be.
    Never(db::Error),
}

impl Lane {
    pub(super) fn new(tenant: TenantId, means: Means, waiting: mpsc::Receiver<Submission>) -> Self {
        let lapses = means.tenure.lapses();
        let pace = Pace::of(means.clock.clone());
        let desks = Desks::of(tenant, means.store.clone());
        Self {
            tenant,
            means,
            waiting,
            carried: Vec::new(),
            lease: None,
            lapses,
            over: false,
            deadline: None,
            expires_at: None,
            pace,
            timers: SlaTimers::default(),
            kept: Kept::default(),
            desks,
        }
    }

    pub(super) async fn run(mut self) {
        let (tenure, mut lapses) = (self.means.tenure.clone(), self.lapses.clone());
        tokio::select! {
            biased;
            // Nothing is waited for any longer, not even for what the store was asked: whoever waits for its answer is told
            // that nobody knows, and the fence keeps out what comes too late.
            () = tenure.ended() => self.over = true,
            _ = lapses.changed() => self.over = true,
            () = self.work() => {}
        }
        let end = if self.over {
            Error::NotOwner
        } else {
            Error::Draining
        };
        self.waiting.close();
        while let Ok(submission) = self.waiting.try_recv() {
            self.carried.push(submission);
        }
        for submission in self.carried {
            // Whoever asked may have gone.
            let _ = submission.answer.send(Err(end.clone()));
        }
        self.desks.end(&end);
        self.means.floor.clear(self.tenant).await;
    }

    /// Decides until nobody can come any more, or another process owns the tenant.
    async fn work(&mut self) {
        // What became due while nobody was there is decided at once.
        self.round(Vec::new()).await;
        while !self.over
            && let Some(batch) = self.collect().await
        {
            let batch = self.without_twins(batch);
            self.round(batch).await;
        }
    }

    /// What waits, at most a batch; empty when only time has passed; none when nobody can come
    /// any more.
    async fn collect(&mut self) -> Option<Vec<Submission>> {
        let most = self.means.config.batch.max(1);
        let mut batch = std::mem::take(&mut self.carried);
        if batch.is_empty() {
            let deadline = self.timers.earliest(self.deadline);
            let due = deadline.map(|at| self.pace.reaches(at));
            let due = async move {
                match due {
                    Some(due) => due.await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                count = self.waiting.recv_many(&mut batch, most) => {
                    if count == 0 {
                        return None;
                    }
                }
                () = due => {}
            }
        }
        while batch.len() < most
            && let Ok(submission) = self.waiting.try_recv()
        {
            batch.push(submission);
        }
        Some(batch)
    }

    /// Two calls of one request id in a batch: the second waits until the first is stored, and
    /// is then answered as the repetition it is.
    fn without_twins(&mut self, batch: Vec<Submission>) -> Vec<Submission> {
        let mut seen = HashSet::new();
        let (now, later): (Vec<_>, Vec<_>) = batch.into_iter().partition(|submission| {
            let key = submission.asked.key.as_ref();
            key.is_none_or(|key| seen.insert(key.request_id()))
        });
        self.carried = later;
        now
    }

    async fn round(&mut self, batch: Vec<Submission>) {
        if self.over || !self.means.tenure.holds() {
            self.give_up(Error::NotOwner).await;
            self.over = true;
            self.carried.extend(batch);
            return;
        }
        if self.lease.is_none()
            && let Err(error) = self.take_over().await
        {
            self.put_off(batch, error).await;
            return;
        }
        let (asked, answers): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .map(|submission| (submission.asked, submission.answer))
            .unzip();
        let now = self.pace.now();
        let due = self.timers.due(self.tenant, &self.means, now).await;
        let mut needs = needs(asked.iter());
        needs.tickets.extend(&due);
        needs.now = now;
        needs.expired = self.expires_at.is_some_and(|at| at <= now);
        let known = self.kept.spare(&mut needs);
        let mut loaded = match self.means.store.load(self.tenant, &needs).await {
            Ok(loaded) => loaded,
            Err(error) => {
                self.timers.put_off(&due, now);
                let batch = submissions(asked, answers);
                if may_pass(&error) || batch.len() == 1 {
                    self.put_off(batch, error.into()).await;
                } else {
                    // A row that cannot be read concerns whoever asked for it, and nobody else.
                    Box::pin(self.one_by_one(batch, error)).await;
                }
                return;
            }
        };
        kept::add(&mut loaded, known);
        let now = self.pace.now();
        let decided = self.means.floor.decide(self.tenant, move |tenant| {
            let folded = fold(tenant, loaded, &asked, &due, now);
            (folded, asked)
        });
        let Ok((folded, asked)) = decided.await else {
            self.give_up(Error::Broken).await;
            answer_all(answers, &Error::Broken);
            return;
        };
        (self.deadline, self.expires_at) = (folded.deadline, folded.expires_at);
        match self.store(&folded.decision).await {
            Stored::Yes => {
                self.kept.stored(&folded.decision);
                self.timers.touched(folded.sla_at, folded.decision.redate);
                self.tell(folded, asked, answers).await;
            }
            Stored::Fenced => {
                tracing::warn!(tenant = %self.tenant, "another process routes for the tenant now");
                self.give_up(Error::NotOwner).await;
                self.over = true;
                answer_all(answers, &Error::NotOwner);
            }
            Stored::Unknown(error) => {
                self.give_up(Error::NotOwner).await;
                answer_all(answers, &unknown(error));
            }
            Stored::Never(error) => {
                self.give_up(Error::NotOwner).await;
                let batch = submissions(asked, answers);
                Box::pin(self.one_by_one(batch, error)).await;
            }
        }
    }

    /// One of the batch cannot be stored: the others must not suffer for it.
    async fn one_by_one(&mut self, mut batch: Vec<Submission>, error: db::Error) {
        if batch.len() > 1 {
            for submission in batch {
                self.round(vec![submission]).await;
            }
            return;
        }
        let error = match error {
            // An event batch that somebody else has applied: its reader looks again.
            db::Error::Raced { .. } => Error::Store(error),
            error => {
                tracing::error!(tenant = %self.tenant, %error, "a routing decision cannot be stored");
                Error::Store(error)
            }
        };
        if let Some(submission) = batch.pop() {
            // Whoever asked may have gone.
            let _ = submission.answer.send(Err(error));
        }
    }

    /// Becomes the owner, with an engine that stands where the last one stood.
    async fn take_over(&mut self) -> Result<(), Error> {
        let Means {
            store,
            floor,
            config,
            tenure,
            ..
        } = &self.means;
        let taken = store.take_over(self.tenant, tenure.replica().id).await?;
        let Some(lease) = taken else {
            self.over = true;
            return Err(Error::NotOwner);
        };
        let mut restored = store.restored(self.tenant).await?;
        self.pace.go_on_from(restored.decided);
        let now = self.pace.now();
        let statistics = recount(store, self.tenant, &restored.snapshot, now).await?;
        restored.snapshot.rest(restored.decided, now);
        let engine = Engine::restore(config.settings(), restored.snapshot, now);
        let queues = restored
            .queues
            .into_iter()
            .map(|queue| (queue.id, queue))
            .collect();
        self.timers = SlaTimers::restored(restored.sla_at);
        let tenant = Tenant {
            engine,
            queues,
            book: restored.book,
            statistics,
            commands: CommandBook::restored(config.command_pace(), restored.commands),
            routing: RoutingBook {
                published: restored.routing.0.map(Published::new),
                versions: restored.routing.1,
            },
        };
        self.deadline = tenant.next_deadline();
        self.expires_at = tenant.commands.next_deadline();
        let seated = floor.seat(self.tenant, tenant).await;
        seated.map_err(|_| Error::Draining)?;
        self.lease = Some(lease);
        Ok(())
    }

    /// Forgets everything in memory; the tables know.
    async fn give_up(&mut self, error: Error) {
        self.lease = None;
        self.kept.forget();
        // Restored soon, so that timers go on although nobody calls.
        let soon = self.pace.now() + Duration::from_secs(1);
        self.deadline = Some(soon);
        self.timers = SlaTimers::restored(Some(soon));
        self.means.floor.clear(self.tenant).await;
        self.desks.end(&error);
    }

    /// Nothing happened to this batch. Callers are told so; the end of a stream is kept, since
    /// nobody would say it again.
    async fn put_off(&mut self, batch: Vec<Submission>, error: Error) {
        tracing::warn!(tenant = %self.tenant, %error, "routing has to wait");
        for submission in batch {
            match submission.asked.command {
                Command::CloseDesk { .. } => self.carried.push(submission),
                // Whoever asked may have gone.
                _ => drop(submission.answer.send(Err(error.clone()))),
            }
        }
        self.deadline = Some(self.pace.now() + PAUSES.1);
        if !self.over && (!self.carried.is_empty() || self.lease.is_none()) {
            tokio::time::sleep(PAUSES.1).await;
        }
    }

    /// Stores a decision; when that fails, tries that same decision again. What memory holds
    /// is what this decision says, so there is no other way forward.
    async fn store(&mut self, decision: &Decision) -> Stored {
        let Some(lease) = self.lease.as_mut() else {
            return Stored::Fenced;
        };
        if decision.is_empty() {
            return Stored::Yes;
        }
        let Means { store, config, .. } = &self.means;
        let give_up_at = Instant::now() + Duration::from_millis(config.patience_ms);
        let mut pause = PAUSES.0;
        loop {
            match store.decide(self.tenant, *lease, decision).await {
                Ok(Committed::Stored) => {
                    lease.decision += 1;
                    return Stored::Yes;
                }
                Ok(Committed::Fenced) => return Stored::Fenced,
                Err(error) if !may_pass(&error) => return Stored::Never(error),
                Err(error) if Instant::now() + pause >= give_up_at => {
                    return Stored::Unknown(error);
                }
                Err(error) => {
                    tracing::warn!(tenant = %self.tenant, %error, "a decision could not be stored yet");
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    /// It is durable: now everybody may know.
    async fn tell(
        &mut self,
        folded: Folded,
        asked: Vec<Asked>,
        answers: Vec<oneshot::Sender<Result<Done, Error>>>,
    ) {
        self.desks.tell(folded.news).await;
        for connector in &folded.rings {
            self.means.bell.ring(self.tenant, connector);
        }
        let decided = asked.into_iter().zip(folded.answers).zip(answers);
        for ((asked, decided), answer) in decided {
            match asked.command {
                Command::OpenDesk(desk) if decided.is_ok() => self.desks.open(desk).await,
                Command::CloseDesk { agent, stream } => self.desks.close(agent, stream),
                _ => {}
            }
            // Whoever asked may have gone; a repetition meets what is stored.
            let _ = answer.send(decided);
        }
    }
}

fn submissions(
    asked: Vec<Asked>,
    answers: Vec<oneshot::Sender<Result<Done, Error>>>,
) -> Vec<Submission> {
    let batch = asked.into_iter().zip(answers);
    batch
        .map(|(asked, answer)| Submission { asked, answer })
        .collect()
}

/// Whether trying the same decision again may help.
const fn may_pass(error: &db::Error) -> bool {
    matches!(
        error,
        db::Error::Busy | db::Error::Unreachable | db::Error::Full
    )
}

/// The store may have kept it: never told as a definite failure.
fn unknown(error: db::Error) -> Error {
    match error {
        db::Error::Full => Error::Store(db::Error::Full),
        _ => Error::Store(db::Error::Unreachable),
    }
}

fn answer_all(answers: Vec<oneshot::Sender<Result<Done, Error>>>, error: &Error) {
    for answer in answers {
        // Whoever asked may have gone.
        let _ = answer.send(Err(error.clone()));
    }
}
