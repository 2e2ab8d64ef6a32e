//! The ledger's use cases. Everything that writes goes through [`apply`], in a batch of callers or in the
//! transaction of a consumer.

use rapport_foundation::context::Context;
use rapport_foundation::db::Scoped;
use rapport_foundation::events;
use rapport_foundation::id::{HoldId, MemberId};
use rapport_foundation::page::fingerprint;
use rapport_foundation::time::Micros;
use serde::{Deserialize, Serialize};

use super::command::{Command, Done};
use super::desk::Desk;
use super::{App, Asked, Membership, Page, Shelf, may_see};
use crate::Error;
use crate::domain::{Balance, Changes, Entry, Hold, Ledger, PointKind};
use crate::store::{ledger, members, programs, requests};

/// Decides commands in order and writes what came of them, all in this transaction. A command that is
/// refused has its own error and no effect.
pub(crate) async fn apply(
    s: &Scoped,
    now: Micros,
    commands: &[&Command],
    shelf: &Shelf,
) -> Result<Vec<Result<Done, Error>>, Error> {
    let mut desk = Desk::load(s, commands, shelf).await?;
    let outcomes = commands
        .iter()
        .map(|command| desk.decide(now, command))
        .collect();
    let kept = desk.save(s).await?;
    let shelf = shelf.clone();
    s.after_commit(move || shelf.keep(kept));
    Ok(outcomes)
}

impl Desk {
    /// Writes what came of the commands, and answers the ledgers that are worth keeping.
    async fn save(mut self, s: &Scoped) -> Result<Vec<Ledger>, Error> {
        let mut changes: Vec<Changes> = Vec::new();
        let mut outgoing = Vec::new();
        let mut touched: Vec<MemberId> = self.ledgers.keys().copied().collect();
        // Rows are written in the order in which they were locked.
        touched.sort_unstable();
        for id in touched {
            let change = self.ledgers.get_mut(&id).and_then(Ledger::take_changes);
            let Some(change) = change else { continue };
            let traces = self.traces.remove(&id).unwrap_or_default();
            let member = self.members.get(&id).ok_or(Error::NoMember(id))?;
            let program = self.programs.get(&member.program);
            let program = program.ok_or(Error::NoProgram(member.program))?;
            for (at, posted) in change.posted.iter().enumerate() {
                let trace = traces.iter().find(|(moved, _)| *moved > at);
                let trace = trace.and_then(|(_, trace)| trace.clone());
                outgoing.push(super::events::of_entry(
                    posted,
                    member,
                    &program.points,
                    trace,
                ));
            }
            changes.push(change);
        }
        debug_assert_eq!(self.tenant, s.tenant());
        ledger::save(s, &changes, &self.earned).await?;
        requests::insert(s, &self.settled).await?;
        events::append_many(s, &outgoing).await?;
        Ok(self.ledgers.into_values().filter(Shelf::wants).collect())
    }
}

/// Where a page of entries ended.
#[derive(Serialize, Deserialize)]
struct Before(i64);

impl App {
    /// Earn, hold, capture, void or reverse: one command through the batcher.
    pub(crate) async fn post(&self, ctx: &Context, command: Command) -> Result<Done, Error> {
        self.batcher.submit(ctx.tenant, (ctx.tenant, command)).await
    }

    /// `GetHold`: as it is now, also when its time is over and no sweep has run.
    pub(crate) async fn get_hold(
        &self,
        ctx: &Context,
        id: HoldId,
    ) -> Result<(Hold, PointKind), Error> {
        let now = self.clock.now();
        self.store
            .read(ctx.tenant, |s| async move {
                let stored = ledger::holds(&s, [id])
                    .await?
                    .pop()
                    .ok_or(Error::NoHold(id))?;
                let (member, program) = membership(&s, stored.member).await?;
                if !may_see(ctx, member.customer.customer) {
                    return Err(Error::NoHold(id));
                }
                let mut state = ledger::snapshot(&s, member.id)
                    .await?
                    .ok_or(Error::NoMember(member.id))?;
                state.catch_up(now);
                // Closed since, or closed before: then the row is what there is to tell.
                let hold = match state.hold_of(id) {
                    Some(hold) => hold.clone(),
                    None => ledger::holds(&s, [id])
                        .await?
                        .pop()
                        .ok_or(Error::NoHold(id))?,
                };
                Ok((hold, program.points))
            })
            .await
    }

    /// `GetBalance`: as of now, whether or not a sweep has run.
    pub(crate) async fn get_balance(
        &self,
        ctx: &Context,
        id: MemberId,
    ) -> Result<(Balance, PointKind), Error> {
        let now = self.clock.now();
        self.store
            .read(ctx.tenant, |s| async move {
                let (member, program) = membership(&s, id).await?;
                if !may_see(ctx, member.customer.customer) {
                    return Err(Error::NoMember(id));
                }
                let mut state = ledger::snapshot(&s, id).await?.ok_or(Error::NoMember(id))?;
                state.catch_up(now);
                Ok((state.balance(now), program.points))
            })
            .await
    }

    /// `ListEntries`, newest first.
    pub(crate) async fn list_entries(
        &self,
        ctx: &Context,
        id: MemberId,
        asked: Asked,
    ) -> Result<(Page<Entry>, PointKind), Error> {
        let query = fingerprint(ctx.tenant, &["ListEntries", &id.to_string()]);
        let before = self
            .page_tokens
            .decode::<Before>(&asked.token, &query)?
            .map(|at| at.0);
        let limit = u64::from(asked.size) + 1;
        let (entries, program) = self
            .store
            .read(ctx.tenant, |s| async move {
                let (member, program) = membership(&s, id).await?;
                if !may_see(ctx, member.customer.customer) {
                    return Err(Error::NoMember(id));
                }
                Ok((ledger::page(&s, id, before, limit).await?, program))
            })
            .await?;
        let token = |last: &Entry| self.page_tokens.encode(&query, &Before(last.sequence));
        Ok((Page::cut(entries, asked.size, token), program.points))
    }
}

async fn membership(s: &Scoped, id: MemberId) -> Result<Membership, Error> {
    let member = members::get(s, id).await?.ok_or(Error::NoMember(id))?;
    let program = programs::get(s, member.program).await?;
    let program = program.ok_or(Error::NoProgram(member.program))?;
    Ok((member, program))
}
