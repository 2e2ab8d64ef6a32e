//! Contacts that are handed on, and put on hold, on a random day.

use std::time::Duration;

use proptest::prelude::*;
use rapport_foundation::id::{AgentId, WorkItemId};
use rapport_foundation::time::Micros;

use super::super::desk::*;
use super::{AGENTS, Day, Parted, QUEUES, SKILLS};
use crate::domain::contact_command::CommandKind;
use crate::domain::engine::{Effect, Input};
use crate::domain::{Kept, Offer, Priority, WorkItem, WorkState};

#[derive(Clone, Debug)]
pub(super) enum Transfer {
    HandOn {
        pick: usize,
        queue: u128,
        skill: usize,
        priority: usize,
        /// For whom it is kept, and for how many seconds.
        kept: Option<(u128, u64)>,
        end_of_line: bool,
        skip: bool,
    },
    Hold {
        pick: usize,
        hold: bool,
    },
    Consult {
        pick: usize,
        queue: u128,
        kept: Option<(u128, u64)>,
    },
    /// Whoever is asked accepts.
    Answer {
        pick: usize,
    },
    /// What comes of a consult: it ends, the contact is given away, or all are together.
    Then {
        pick: usize,
        what: usize,
    },
    /// What a connector says of a contact that it is to connect.
    Connect {
        pick: usize,
        connected: bool,
        unreachable: bool,
    },
    /// A connector could not part a contact from who had it.
    NotParted {
        pick: usize,
    },
    /// It could not put a contact on hold, take it from hold, or bring all together.
    NotDone {
        pick: usize,
        what: usize,
    },
    CallBack {
        pick: usize,
        attempts: u16,
        seconds: u64,
    },
}

pub(super) fn transfer() -> impl Strategy<Value = Transfer> {
    let pick = any::<prop::sample::Index>().prop_map(|i| i.index(1 << 16));
    let kept = prop::option::of((1..=AGENTS, 1..90_u64));
    let place = (
        1..=QUEUES,
        0..SKILLS.len(),
        0..Priority::ALL.len(),
        kept.clone(),
    );
    prop_oneof![
        3 => (pick.clone(), place, any::<bool>(), any::<bool>()).prop_map(
            |(pick, (queue, skill, priority, kept), end_of_line, skip)| Transfer::HandOn {
                pick, queue, skill, priority, kept, end_of_line, skip
            }
        ),
        1 => (pick.clone(), any::<bool>()).prop_map(|(pick, hold)| Transfer::Hold { pick, hold }),
        5 => (pick.clone(), 1..=QUEUES, kept).prop_map(
            |(pick, queue, kept)| Transfer::Consult { pick, queue, kept }
        ),
        7 => pick.clone().prop_map(|pick| Transfer::Answer { pick }),
        6 => (pick.clone(), 0..4_usize).prop_map(|(pick, what)| Transfer::Then { pick, what }),
        2 => (pick.clone(), 1..4_u16, 1..90_u64).prop_map(
            |(pick, attempts, seconds)| Transfer::CallBack { pick, attempts, seconds }
        ),
        4 => pick.clone().prop_map(|pick| Transfer::NotParted { pick }),
        2 => (pick.clone(), 0..3_usize).prop_map(|(pick, what)| Transfer::NotDone { pick, what }),
        3 => (pick, any::<bool>(), any::<bool>()).prop_map(
            |(pick, connected, unreachable)| Transfer::Connect { pick, connected, unreachable }
        ),
    ]
}

impl Transfer {
    /// Mostly what somebody has in hand is picked: what cannot be done is refused.
    pub(super) fn input(&self, day: &mut Day) -> Option<Input> {
        Some(match self {
            Self::HandOn {
                pick,
                queue: to,
                skill,
                priority,
                kept,
                end_of_line,
                skip,
            } => {
                let (item, agent) = picked(day, *pick)?;
                let before = day.engine.item(item)?.clone();
                day.made += 1;
                let mut next = WorkItem {
                    ticket: before.ticket,
                    channel: before.channel,
                    skills: skills(SKILLS[*skill]),
                    priority: Priority::ALL[*priority],
                    ..work(day.made, *to, day.now)
                };
                next.pass(|passage| {
                    passage.turn_at = (!end_of_line).then(|| before.turn());
                    passage.kept = for_whom(*kept, day.now);
                });
                Input::WorkHandedOn {
                    item,
                    agent,
                    next: Box::new(next),
                    disposition: None,
                    skip_wrap_up: *skip,
                }
            }
            Self::Hold { pick, hold } => {
                let (item, agent) = picked(day, *pick)?;
                match hold {
                    true => Input::WorkHeld { item, agent },
                    false => Input::WorkResumed { item, agent },
                }
            }
            Self::CallBack {
                pick,
                attempts,
                seconds,
            } => {
                let items = day.engine.snapshot().items;
                let held = |work: &&WorkItem| work.has_connector() && work.agent().is_none();
                let held: Vec<&WorkItem> = items.iter().filter(held).collect();
                Input::CallbackRequested {
                    item: held.get(pick % held.len().max(1))?.id,
                    attempts: *attempts,
                    pause: Duration::from_secs(*seconds),
                    not_before: (attempts % 2 == 0).then(|| day.now + Duration::from_secs(40)),
                }
            }
            Self::NotParted { pick } => {
                let open = |(item, _): &(&WorkItemId, _)| day.engine.item(**item).is_some();
                // Every second time such that was given to who was asked.
                let given = |(_, to): &(&WorkItemId, &Parted)| to.1.is_some();
                let all = day.parted.iter().filter(open);
                let (given, others): (Vec<_>, Vec<_>) = all.partition(given);
                let parted = match pick.is_multiple_of(2) && !given.is_empty() {
                    true => given,
                    false => others,
                };
                let (item, (from, given)) = *parted.get(pick % parted.len().max(1))?;
                Input::NotTransferred {
                    item: *item,
                    from: *from,
                    given: *given,
                }
            }
            Self::NotDone { pick, what } => {
                let (item, agent) = picked(day, *pick)?;
                let kinds = [
                    CommandKind::Hold,
                    CommandKind::Resume,
                    CommandKind::Conference,
                ];
                Input::NotDone {
                    item,
                    agent,
                    kind: kinds[*what],
                    at: day.engine.item(item)?.held_since().unwrap_or(day.now),
                }
            }
            Self::Consult {
                pick,
                queue: to,
                kept,
            } => {
                let (item, agent) = picked(day, *pick)?;
                let before = day.engine.item(item)?.clone();
                day.made += 1;
                let mut consult = WorkItem {
                    ticket: before.ticket,
                    channel: before.channel,
                    ..work(day.made, *to, day.now)
                };
                consult.pass(|passage| passage.kept = for_whom(*kept, day.now));
                Input::ConsultStarted {
                    item,
                    agent,
                    consult: Box::new(consult),
                }
            }
            Self::Answer { pick } => {
                let items = day.engine.snapshot().items;
                let asked = items.iter().filter(|work| work.consult_of().is_some());
                let offers: Vec<Offer> = asked.flat_map(WorkItem::offers).copied().collect();
                let offer = offers.get(pick % offers.len().max(1))?;
                Input::OfferAccepted {
                    offer: offer.id,
                    agent: offer.agent,
                }
            }
            Self::Then { pick, what } => {
                let items = day.engine.snapshot().items;
                let asking = items.iter().filter(|work| work.consult().is_some());
                let asking: Vec<&WorkItem> = first_of(asking, |work| {
                    let asked = work.consult().and_then(|asked| day.engine.item(asked));
                    asked.is_some_and(|asked| matches!(asked.state, WorkState::Accepted { .. }))
                });
                let work = asking.get(pick % asking.len().max(1))?;
                let (item, agent) = (work.id, work.agent()?);
                match what {
                    0 => Input::ConsultEnded { item, agent },
                    1 => Input::ConferenceStarted { item, agent },
                    _ => Input::TransferCompleted {
                        item,
                        agent,
                        disposition: None,
                        skip_wrap_up: pick.is_multiple_of(2),
                    },
                }
            }
            Self::Connect {
                pick,
                connected,
                unreachable,
            } => {
                let (item, agent) = picked(day, *pick)?;
                let WorkState::Accepted { at, .. } = day.engine.item(item)?.state else {
                    return None;
                };
                // No connector speaks of what it is not told of.
                day.lines.get(&item)?;
                let awaits = day.engine.item(item)?.is_to_be_called();
                match connected {
                    true => Input::Connected { item, agent, at },
                    false if awaits && !unreachable => Input::NotCalled { item, agent, at },
                    false => Input::NotConnected {
                        item,
                        agent,
                        at,
                        unreachable: *unreachable,
                    },
                }
            }
        })
    }
}

impl Day {
    /// What a connector is told makes sense to it: it connects what waits, and holds, gives on and hangs up what it
    /// connected.
    pub(super) fn watch_line(&mut self, effect: &Effect) {
        let Effect::Commanded {
            item,
            kind,
            agent,
            desk,
            next,
            ..
        } = effect
        else {
            if let Effect::Released { item, .. } = effect {
                self.lines.remove(item);
            }
            return;
        };
        let on_line = self.lines.get(item).copied();
        if kind.moves() {
            self.parted.remove(item);
        }
        match kind {
            CommandKind::Connect | CommandKind::CallBack => {
                assert_eq!(on_line, None, "connected twice");
                self.lines.insert(*item, agent.unwrap());
            }
            CommandKind::Hold | CommandKind::Resume => assert_eq!(on_line, *agent),
            CommandKind::HangUp => assert_eq!(self.lines.remove(item), *agent),
            CommandKind::Transfer => {
                assert_eq!(self.lines.remove(item), *desk);
                let given = agent.map(|agent| (agent, self.now));
                self.parted.insert(next.unwrap(), (desk.unwrap(), given));
            }
            CommandKind::Conference => assert!(on_line.is_some()),
            other => panic!("{other:?} by nobody"),
        }
    }

    /// Who has a contact in hand that a connector takes commands for is on the line with it, and nobody else is.
    pub(super) fn assert_lines(&mut self) {
        let passage = |work: &WorkItem| work.passage.as_deref().cloned().unwrap_or_default();
        for work in self.engine.snapshot().items {
            let is = passage(&work);
            if let WorkState::Accepted { agent, .. } = work.state
                && is.commanded
                && !is.over
                // Who is asked no more has nobody on the line.
                && !(is.consult_of.is_some() && work.settled)
            {
                assert_eq!(self.lines.get(&work.id), Some(&agent), "{}", work.id);
            }
        }
        let rows = &self.rows;
        self.lines.retain(|id, agent| match &rows[id].state {
            WorkState::Accepted { agent: theirs, .. } if theirs == agent => true,
            // The customer hung up: there is nothing to be told.
            _ => {
                assert!(passage(&rows[id]).over, "{id} is left on the line");
                false
            }
        });
    }
}

fn for_whom(kept: Option<(u128, u64)>, now: Micros) -> Option<Kept> {
    kept.map(|(n, seconds)| Kept {
        agent: agent(n),
        until: now + Duration::from_secs(seconds),
    })
}

/// Those that fit, if there are any; else all.
fn first_of<'a>(
    items: impl Iterator<Item = &'a WorkItem>,
    fits: impl Fn(&WorkItem) -> bool,
) -> Vec<&'a WorkItem> {
    let (fitting, others): (Vec<_>, Vec<_>) = items.partition(|work| fits(work));
    match fitting.is_empty() {
        true => others,
        false => fitting,
    }
}

/// Work that somebody has in hand, if there is any, and who; every second time such that a connector is told of.
fn picked(day: &Day, pick: usize) -> Option<(WorkItemId, AgentId)> {
    let items = day.engine.snapshot().items;
    let held = |work: &&WorkItem| matches!(work.state, WorkState::Accepted { .. });
    let told = |work: &WorkItem| pick.is_multiple_of(2) && day.lines.contains_key(&work.id);
    let mut picked: Vec<&WorkItem> = first_of(items.iter().filter(held), told);
    if picked.is_empty() {
        picked = items.iter().filter(|work| work.agent().is_some()).collect();
    }
    let work = picked.get(pick % picked.len().max(1))?;
    Some((work.id, work.agent()?))
}
