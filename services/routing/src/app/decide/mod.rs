//! Deciding a batch of commands: pure, on what was loaded and on the engine's memory. Each
//! command is checked before it changes anything, so one that fails leaves no trace.

mod agents;
mod bots;
mod contact_commands;
mod facts;
mod figures;
mod history;
mod intake;
mod manual;
mod merges;
mod needs;
mod preferred;
mod promises;
mod queues;
mod repeats;
mod room;
mod routing;
mod sla;
mod split;
mod tickets;
mod transfers;
mod work;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rapport_foundation::events::{Data, Outgoing};
use rapport_foundation::id::{
    AgentId, CalendarId, EventId, OfferId, QueueId, RoutingPolicyId, SlaPolicyId, TicketId,
};
use rapport_foundation::idempotency::{Claim, Key, reused};
use rapport_foundation::time::Micros;

use super::Error;
use super::command::{Command, Done};
use super::news::{self, News};
use crate::domain::contact_command::{CommandBook, CommandState, ContactCommand};
use crate::domain::engine::{Effect, Engine, Input, Refusal};
use crate::domain::sla::Book;
use crate::domain::statistics::Statistics;
use crate::domain::{Code, Offer, OfferOutcome, Queue, Ticket};
use crate::store::{Decision, Loaded, OfferRow};

pub(crate) use needs::needs;
pub(crate) use routing::{RoutingBook, legs};

/// What the owner of a tenant keeps in memory.
#[derive(Debug, Default)]
pub(crate) struct Tenant {
    pub(crate) engine: Engine,
    pub(crate) queues: BTreeMap<QueueId, Queue>,
    pub(crate) book: Book,
    pub(crate) routing: RoutingBook,
    pub(crate) statistics: Statistics,
    pub(crate) commands: CommandBook,
}

impl Tenant {
    /// When the engine wants to be woken, or a command is given up.
    pub(crate) fn next_deadline(&self) -> Option<Micros> {
        let engine = self.engine.next_deadline().into_iter();
        engine.chain(self.commands.next_deadline()).min()
    }

    /// When a queue opens, if it is outside of its hours.
    fn opens_at(&self, now: Micros, queue: QueueId) -> Option<Micros> {
        let calendar = self.queues.get(&queue)?.opening?;
        let (open, until) = self.book.calendars.get(&calendar)?.hours.at(now);
        (!open).then_some(until)
    }

    /// Whether it is within the hours of a queue, if it has any.
    fn is_open(&self, now: Micros, queue: QueueId) -> bool {
        self.opens_at(now, queue).is_none()
    }

    fn queue_by_code(&self, code: &Code) -> Option<&Queue> {
        self.queues.values().find(|queue| queue.code == *code)
    }
}

/// A command and what it is remembered by.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) command: Command,
    pub(crate) key: Option<Key>,
    pub(crate) traceparent: Option<String>,
}

/// What a batch led to.
#[derive(Debug)]
pub(crate) struct Folded {
    pub(crate) decision: Decision,
    /// One for each command, in order.
    pub(crate) answers: Vec<Result<Done, Error>>,
    /// What to tell desks once the decision is stored, in order.
    pub(crate) news: Vec<News>,
    /// Connectors for which something may wait.
    pub(crate) rings: BTreeSet<Arc<str>>,
    /// When the engine wants to be woken, or a command is given up.
    pub(crate) deadline: Option<Micros>,
    /// When a command is given up.
    pub(crate) expires_at: Option<Micros>,
    /// When the first of the clocks that were touched is due next.
    pub(crate) sla_at: Option<Micros>,
}

/// Decides a batch in order. What became due by `now`, in the engine and of the clocks of `due`, is
/// decided with it, also when the batch is empty.
pub(crate) fn fold(
    tenant: &mut Tenant,
    loaded: Loaded,
    batch: &[Asked],
    due: &[TicketId],
    now: Micros,
) -> Folded {
    let claims = loaded.claims.clone();
    let mut fold = Fold::new(tenant, loaded, now);
    // Timers can always be told.
    let _ = fold.step(Input::Tick);
    fold.expire_commands();
    for ticket in due {
        fold.stand(*ticket);
    }
    let mut claims = claims.into_iter();
    let mut answers = Vec::with_capacity(batch.len());
    for asked in batch {
        let claim = asked.key.as_ref().and_then(|_| claims.next()).flatten();
        answers.push(fold.answer(asked, claim));
    }
    let mut folded = fold.finish(answers);
    for (asked, answer) in batch.iter().zip(&mut folded.answers) {
        match (&asked.command, answer) {
            (Command::Look(look), answer) => *answer = tenant.look(now, look),
            (_, Ok(done)) => done.ticket = decided_ticket(&folded.decision, done),
            _ => {}
        }
    }
    folded
}

/// The ticket that was made or changed, unless the same batch changed it again.
fn decided_ticket(decision: &Decision, done: &Done) -> Option<Box<Ticket>> {
    let tickets = &decision.tickets;
    // By id, as they were chosen.
    let place = tickets.binary_search_by_key(&done.id, |ticket| ticket.id.uuid());
    let ticket = tickets.get(place.ok()?)?;
    (ticket.version == done.version).then(|| Box::new(ticket.clone()))
}

/// A batch being decided.
struct Fold<'a> {
    tenant: &'a mut Tenant,
    loaded: Loaded,
    now: Micros,
    decision: Decision,
    offers: BTreeMap<OfferId, OfferRow>,
    tickets: BTreeSet<TicketId>,
    agents: BTreeSet<AgentId>,
    queues: BTreeSet<QueueId>,
    calendars: BTreeSet<CalendarId>,
    policies: BTreeSet<SlaPolicyId>,
    routing_policies: BTreeSet<RoutingPolicyId>,
    /// Tickets whose clocks were looked at, and when something is due next.
    slas: BTreeMap<TicketId, Option<Micros>>,
    news: Vec<News>,
    /// The trace of the command being decided.
    cause: Option<String>,
}

impl<'a> Fold<'a> {
    fn new(tenant: &'a mut Tenant, loaded: Loaded, now: Micros) -> Self {
        Self {
            tenant,
            loaded,
            now,
            decision: Decision::default(),
            offers: BTreeMap::new(),
            tickets: BTreeSet::new(),
            agents: BTreeSet::new(),
            queues: BTreeSet::new(),
            calendars: BTreeSet::new(),
            policies: BTreeSet::new(),
            routing_policies: BTreeSet::new(),
            slas: BTreeMap::new(),
            news: Vec::new(),
            cause: None,
        }
    }

    fn answer(&mut self, asked: &Asked, claim: Option<Claim>) -> Result<Done, Error> {
        match claim {
            None | Some(Claim::Fresh) => {}
            Some(Claim::Replay {
                result_id,
                result_version,
            }) => {
                return Ok(Done::new(result_id, result_version));
            }
            Some(Claim::Reused) => return Err(reused().into()),
        }
        self.cause.clone_from(&asked.traceparent);
        let done = self.decide(&asked.command)?;
        if let Some(key) = &asked.key {
            let settlement = (key.clone(), done.id, done.version);
            self.decision.settlements.push(settlement);
        }
        Ok(done)
    }

    fn decide(&mut self, command: &Command) -> Result<Done, Error> {
        match command {
            Command::OpenTicket { new, said } => self.open_ticket(new, said),
            Command::ChangeTicket {
                id,
                change,
                etag,
                said,
            } => self.change_ticket(*id, change, *etag, said),
            Command::ResolveTicket {
                id,
                by,
                solution,
                etag,
                said,
            } => self.resolve_ticket(*id, *by, solution, *etag, said),
            Command::ReopenTicket {
                id,
                work_channel,
                etag,
                said,
            } => self.reopen_ticket(*id, *work_channel, *etag, said),
            Command::CloseTicket { id, etag, said } => self.close_ticket(*id, *etag, said),
            Command::CancelTicket {
                id,
                by,
                outcome,
                etag,
                said,
            } => self.cancel_ticket(*id, *by, outcome.as_ref(), *etag, said),
            Command::MergeTickets {
                whole,
                part,
                etags,
                said,
            } => self.merge_tickets(*whole, *part, *etags, said),
            Command::UnmergeTicket { part, etag, said } => self.unmerge_ticket(*part, *etag, said),
            Command::SplitTicket {
                id,
                split,
                etag,
                said,
            } => self.split_ticket(*id, split, *etag, said),
            Command::AddNote {
                ticket,
                text,
                author,
            } => self.add_note(*ticket, text, author),
            Command::PickTickets(ids) => Ok(self.pick_tickets(ids)),
            Command::CreateCalendar(new) => self.create_calendar(new),
            Command::ChangeCalendar {
                id,
                change,
                etag,
                only_validate,
            } => self.change_calendar(*id, change, *etag, *only_validate),
            Command::CreatePolicy { new, only_validate } => self.create_policy(new, *only_validate),
            Command::ChangePolicy {
                id,
                change,
                etag,
                only_validate,
            } => self.change_policy(*id, change, *etag, *only_validate),
            Command::CreateRoutingDraft(draft) => self.create_routing_draft(draft),
            Command::ChangeRoutingDraft { id, draft, etag } => {
                self.change_routing_draft(*id, draft, *etag)
            }
            Command::PublishRouting { id, back, etag } => self.publish_routing(*id, *back, *etag),
            Command::SetRepeatRule { within, etag } => self.set_repeat_rule(*within, *etag),
            Command::CreateQueue(new) => self.create_queue(new),
            Command::ChangeQueue { id, change, etag } => self.change_queue(*id, change, *etag),
            Command::CreateAgent(new) => self.create_agent(new),
            Command::ChangeAgent { id, change, etag } => self.change_agent(*id, change, *etag),
            Command::SetStatus {
                agent,
                status,
                reason,
            } => self.set_status(*agent, *status, reason.as_ref()),
            Command::AcceptOffer { offer, agent, item } => self.accept_offer(*offer, *agent, *item),
            Command::RejectOffer { offer, agent, item } => self.reject_offer(*offer, *agent, *item),
            Command::CompleteWork {
                item,
                agent,
                disposition,
                skip_wrap_up,
            } => self.complete_work(*item, *agent, disposition.as_ref(), *skip_wrap_up),
            Command::EndWrapUp { item, agent } => self.end_wrap_up(*item, *agent),
            Command::ExtendWrapUp { item, agent, by } => self.extend_wrap_up(*item, *agent, *by),
            Command::ParkWork { item, agent, time } => self.park_work(*item, *agent, *time),
            Command::AssignWork { item, to, said } => self.assign_work(*item, *to, said),
            Command::MoveWork {
                item,
                queue,
                priority,
                said,
            } => self.move_work_by_hand(*item, *queue, *priority, said),
            Command::ReleaseWork { item, to, said } => self.release_work(*item, *to, said),
            Command::HandOnWork {
                item,
                agent,
                transfer,
                said,
            } => self.hand_on(*item, *agent, transfer, said),
            Command::HoldWork { item, agent, hold } => self.hold_work(*item, *agent, *hold),
            Command::RequestCallback {
                item,
                attempts,
                pause,
            } => self.request_callback(*item, *attempts, *pause),
            Command::StartConsult {
                item,
                agent,
                to,
                note,
                said,
            } => self.start_consult((*item, *agent), to, note, said),
            Command::EndConsult { item, agent } => self.end_consult(*item, *agent),
            Command::CompleteTransfer {
                item,
                agent,
                disposition,
                skip_wrap_up,
                said,
            } => {
                let how = (disposition.as_ref(), *skip_wrap_up);
                self.complete_transfer((*item, *agent), how, said)
            }
            Command::StartConference { item, agent } => self.start_conference(*item, *agent),
            Command::MonitorWork {
                item,
                how,
                by,
                said,
            } => self.monitor_work(*item, *how, *by, said),
            Command::TakeCommands(taker) => Ok(self.take_commands(taker)),
            Command::HearCommands { taker, reports } => Ok(self.hear_commands(taker, reports)),
            Command::LeaveCommands(stream) => Ok(self.leave_commands(*stream)),
            // Told when everything of the batch is counted.
            Command::Look(_) => Ok(Done::new(uuid::Uuid::nil(), 0)),
            Command::OpenDesk(desk) => self.open_desk(desk.agent, desk.stream),
            Command::CloseDesk { agent, stream } => self.close_desk(*agent, *stream),
            Command::Apply { facts, mark } => {
                self.apply(facts);
                self.decision.marks.push(mark.clone());
                Ok(Done::new(uuid::Uuid::nil(), 0))
            }
            Command::HandOver {
                item,
                agent,
                to,
                said,
            } => self.hand_work_over(*item, *agent, to, said),
        }
    }

    /// Lets the engine decide and notes what follows from it.
    fn step(&mut self, input: Input) -> Result<(), Refusal> {
        let effects = self.tenant.engine.step(self.now, input);
        let mut refused = Ok(());
        for effect in effects {
            match effect {
                Effect::Refused(refusal) => refused = Err(refusal),
                effect => self.note(&effect),
            }
        }
        refused
    }

    fn note(&mut self, effect: &Effect) {
        match effect {
            Effect::Offered(offer) => self.put_offer(*offer, OfferOutcome::Pending),
            Effect::OfferEnded { offer, reason } => {
                self.put_offer(*offer, OfferOutcome::Ended(*reason));
            }
            Effect::Accepted { offer, .. } => self.put_offer(*offer, OfferOutcome::Accepted),
            Effect::Commanded { .. } => self.note_command(effect),
            _ => {}
        }
        let engine = &self.tenant.engine;
        if let Some((aggregate, work, data)) = news::event_of(effect, engine) {
            let traceparent = work.and_then(|work| work.traceparent.clone());
            let traceparent = traceparent.or_else(|| self.cause.clone());
            self.decision.events.push(Outgoing {
                id: EventId::new(self.now),
                aggregate,
                at: self.now,
                traceparent,
                data,
            });
        }
        self.news.extend(news::of(effect, engine, self.now));
    }

    fn put_offer(&mut self, offer: Offer, outcome: OfferOutcome) {
        let ended_at = (outcome != OfferOutcome::Pending).then_some(self.now);
        let work = self.tenant.engine.last_seen(offer.item);
        let most = work.map(|work| self.tenant.engine.discipline(work.queue).most_offers());
        self.offers.insert(
            offer.id,
            OfferRow {
                offer,
                outcome,
                ended_at,
                broadcast: most > Some(1),
            },
        );
    }

    fn publish(&mut self, aggregate: impl std::fmt::Display, data: Data) {
        self.decision.events.push(Outgoing {
            id: EventId::new(self.now),
            aggregate: aggregate.to_string(),
            at: self.now,
            traceparent: self.cause.clone(),
            data,
        });
    }

    fn finish(mut self, answers: Vec<Result<Done, Error>>) -> Folded {
        let mut changes = self.tenant.engine.take_changes();
        let mut decision = std::mem::take(&mut self.decision);
        let Tenant {
            engine,
            statistics,
            commands,
            ..
        } = &mut *self.tenant;
        decision.commands = commands.take_changes();
        let waits =
            |c: &&ContactCommand| !matches!(c.state, CommandState::Handed | CommandState::Accepted);
        let waiting = decision.commands.iter().filter(waits);
        let rings = waiting.map(|command| command.connector.clone()).collect();
        // What was over before it came to the engine.
        for work in &decision.items {
            statistics.item(self.now, work);
        }
        decision.spells = statistics.take_in(self.now, engine, &mut changes);
        decision.items.extend(changes.items);
        decision.standings = changes.agents;
        decision.paces = changes.paces;
        decision.turns = changes.turns;
        decision.slas = self.sla_rows();
        decision.offers = self.offers.into_values().collect();
        let sla_at = decision.slas.iter().filter_map(|row| row.next_at).min();
        let book = &self.tenant.book;
        let calendars = self.calendars.iter();
        decision.calendars = calendars
            .filter_map(|id| book.calendars.get(id).cloned())
            .collect();
        let policies = self.policies.iter();
        decision.policies = policies
            .filter_map(|id| book.policies.get(id).cloned())
            .collect();
        let mut routing = self.loaded.routing_policies;
        let changed = self.routing_policies.iter();
        decision.routing_policies = changed.filter_map(|id| routing.remove(id)).collect();
        let mut tickets = self.loaded.tickets;
        let changed = self.tickets.iter();
        decision.tickets = changed.filter_map(|id| tickets.remove(id)).collect();
        let agents = self
            .agents
            .iter()
            .filter_map(|id| self.loaded.agents.get(id));
        decision.agents = agents.cloned().collect();
        let queues = self
            .queues
            .iter()
            .filter_map(|id| self.tenant.queues.get(id));
        decision.queues = queues.cloned().collect();
        Folded {
            decision,
            answers,
            news: self.news,
            rings,
            deadline: self.tenant.next_deadline(),
            expires_at: self.tenant.commands.next_deadline(),
            sla_at,
        }
    }
}
