//! The desk: the states of the members that a batch of commands touches, loaded once, with the commands
//! decided over them in order.

use std::collections::HashMap;

use rapport_foundation::id::{EntryId, HoldId, MemberId, ProgramId, TenantId};
use rapport_foundation::money::Amount;
use rapport_foundation::time::Micros;

use super::command::{Ask, Command, Done, Request, Sum};
use crate::Error;
use crate::domain::{
    Cause, Earning, Entry, Ledger, Member, OrderId, Original, PointKind, Points, Program,
};
use crate::store::requests::{RequestId, Settled};

/// What is known of a request id.
pub(super) struct Seen {
    pub(super) hash: Vec<u8>,
    pub(super) done: Done,
}

pub(super) struct Desk {
    pub(super) tenant: TenantId,
    pub(super) programs: HashMap<ProgramId, Program>,
    pub(super) members: HashMap<MemberId, Member>,
    pub(super) ledgers: HashMap<MemberId, Ledger>,
    /// Whose the holds are that commands name.
    pub(super) holders: HashMap<HoldId, MemberId>,
    /// The entries that commands want to take back.
    pub(super) originals: HashMap<EntryId, Original>,
    /// Entries that earlier requests and orders are answered with.
    pub(super) entries: HashMap<EntryId, Entry>,
    pub(super) earnings: HashMap<(ProgramId, OrderId), Earning>,
    pub(super) requests: HashMap<RequestId, Seen>,
    /// To be written.
    pub(super) earned: Vec<Earning>,
    pub(super) settled: Vec<Settled>,
    /// Up to which of its entries a member's ledger was moved by which trace.
    pub(super) traces: HashMap<MemberId, Vec<(usize, Option<String>)>>,
}

impl Desk {
    /// Decides one command. A refusal leaves what time itself has done.
    pub(super) fn decide(&mut self, now: Micros, command: &Command) -> Result<Done, Error> {
        if let Some(request) = &command.request
            && let Some(seen) = self.requests.get(&request.id)
        {
            return if seen.hash == request.hash {
                Ok(seen.done.clone())
            } else {
                Err(Error::RequestIdReused)
            };
        }
        let member = self.member_of(&command.ask)?;
        let outcome = self.act(now, member, &command.ask);
        let moved = self.ledgers.get(&member).map_or(0, Ledger::posted_count);
        self.traces
            .entry(member)
            .or_default()
            .push((moved, command.traceparent.clone()));
        let done = outcome?;
        if let Some(request) = &command.request {
            self.settle(now, request, &done);
        }
        Ok(done)
    }

    fn settle(&mut self, now: Micros, request: &Request, done: &Done) {
        self.settled.push(Settled {
            request: request.id.clone(),
            hash: request.hash.clone(),
            member: done.member,
            entry: done.entry.as_ref().map(|entry| entry.id),
            hold: done.hold.as_ref().map(|hold| hold.id),
            balance: done.balance,
            at: now,
        });
        let seen = Seen {
            hash: request.hash.clone(),
            done: done.clone(),
        };
        self.requests.insert(request.id.clone(), seen);
    }

    fn member_of(&self, ask: &Ask) -> Result<MemberId, Error> {
        let member = match ask {
            Ask::Earn { member, .. }
            | Ask::EarnByOrder { member, .. }
            | Ask::Hold { member, .. }
            | Ask::Settle { member } => *member,
            Ask::Capture { hold, .. } | Ask::Void { hold, .. } => self
                .holders
                .get(hold)
                .copied()
                .ok_or(Error::NoHold(*hold))?,
            Ask::Reverse { entry, .. } => {
                let original = self.originals.get(entry).ok_or(Error::NoEntry(*entry))?;
                original.entry().member
            }
        };
        if self.ledgers.contains_key(&member) {
            Ok(member)
        } else {
            Err(Error::NoMember(member))
        }
    }

    fn act(&mut self, now: Micros, member: MemberId, ask: &Ask) -> Result<Done, Error> {
        let (ledger, program) = find(&mut self.ledgers, &self.programs, member)?;
        let kind = &program.points;
        let (entry, hold) = match ask {
            Ask::Earn { sum, reason, .. } => {
                let cause = Cause {
                    reason: reason.clone(),
                    ..Cause::default()
                };
                (
                    Some(ledger.earn(now, sum.of(kind)?, program.terms, cause)?),
                    None,
                )
            }
            Ask::EarnByOrder {
                order,
                total,
                interaction,
                reason,
                ..
            } => {
                let cause = Cause {
                    order_id: Some(order.clone()),
                    interaction: *interaction,
                    reason: reason.clone(),
                };
                return self.earn_by_order(now, member, order, total, cause);
            }
            Ask::Hold {
                sum,
                order,
                timeout,
                ..
            } => {
                let timeout = timeout.unwrap_or(program.hold_timeout);
                let (hold, entry) = ledger.hold(now, sum.of(kind)?, timeout, order.clone())?;
                (Some(entry), Some(hold))
            }
            Ask::Capture { hold, sum, seen } => {
                let points = Sum::some_of(sum.as_ref(), kind)?;
                (
                    Some(ledger.capture(now, *hold, points, *seen)?),
                    Some(*hold),
                )
            }
            Ask::Void { hold, seen } => (Some(ledger.void(now, *hold, *seen)?), Some(*hold)),
            Ask::Reverse { entry, sum, reason } => {
                let points = Sum::some_of(sum.as_ref(), kind)?;
                let original = self
                    .originals
                    .get_mut(entry)
                    .ok_or(Error::NoEntry(*entry))?;
                (
                    Some(ledger.reverse(now, original, points, reason.clone())?),
                    None,
                )
            }
            Ask::Settle { .. } => {
                ledger.catch_up(now);
                (None, None)
            }
        };
        Ok(answer(ledger, kind, now, entry, hold))
    }

    /// An order earns once in a programme: who asks again for the same gets the first answer.
    fn earn_by_order(
        &mut self,
        now: Micros,
        member: MemberId,
        order: &OrderId,
        total: &Amount,
        cause: Cause,
    ) -> Result<Done, Error> {
        let (ledger, program) = find(&mut self.ledgers, &self.programs, member)?;
        let key = (program.id, order.clone());
        if let Some(first) = self.earnings.get(&key) {
            if !first.is_same(member, total) {
                return Err(Error::OrderReused(order.clone()));
            }
            ledger.catch_up(now);
            let mut done = answer(ledger, &program.points, now, first.entry, None);
            if let Some(id) = first.entry
                && done.entry.is_none()
            {
                done.entry = self.entries.get(&id).cloned();
            }
            return Ok(done);
        }
        let points = program.rule.earns(total)?;
        let entry = match Points::new(points) {
            Some(points) => Some(ledger.earn(now, points, program.terms, cause)?),
            None => {
                ledger.catch_up(now);
                None
            }
        };
        let earning = Earning {
            program: program.id,
            order_id: order.clone(),
            member,
            total: total.clone(),
            points,
            entry,
            created_at: now,
        };
        self.earned.push(earning.clone());
        self.earnings.insert(key, earning);
        Ok(answer(ledger, &program.points, now, entry, None))
    }
}

/// A member's ledger and its programme.
fn find<'a>(
    ledgers: &'a mut HashMap<MemberId, Ledger>,
    programs: &'a HashMap<ProgramId, Program>,
    member: MemberId,
) -> Result<(&'a mut Ledger, &'a Program), Error> {
    let ledger = ledgers.get_mut(&member).ok_or(Error::NoMember(member))?;
    let program = ledger.account().program;
    let program = programs.get(&program).ok_or(Error::NoProgram(program))?;
    Ok((ledger, program))
}

fn answer(
    ledger: &Ledger,
    kind: &PointKind,
    now: Micros,
    entry: Option<EntryId>,
    hold: Option<HoldId>,
) -> Done {
    Done {
        member: ledger.account().member,
        kind: kind.clone(),
        entry: entry
            .and_then(|id| ledger.posted(id))
            .map(|posted| posted.entry.clone()),
        hold: hold.and_then(|id| ledger.hold_of(id)).cloned(),
        balance: ledger.balance(now),
    }
}
