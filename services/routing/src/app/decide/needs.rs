//! What is read for a batch of commands, before any of them is decided.

use super::super::command::Command;
use super::{Asked, intake};
use crate::store::Needs;

/// What a batch needs to be decided.
pub(crate) fn needs<'a>(batch: impl Iterator<Item = &'a Asked>) -> Needs {
    let mut needs = Needs::default();
    for asked in batch {
        needs.keys.extend(asked.key.clone());
        match &asked.command {
            Command::OpenTicket { new, .. } => {
                needs.above.extend(new.parent);
                needs.repeats.extend(new.customer);
            }
            Command::SetRepeatRule { .. } => needs.repeat_rule = true,
            Command::CreateCalendar(_)
            | Command::ChangeCalendar { .. }
            | Command::CreatePolicy { .. }
            | Command::ChangePolicy { .. }
            | Command::CreateRoutingDraft(_)
            | Command::PickTickets(_)
            | Command::CreateQueue(_)
            | Command::ChangeQueue { .. }
            | Command::SetStatus { .. }
            | Command::RejectOffer { .. }
            | Command::EndWrapUp { .. }
            | Command::ExtendWrapUp { .. }
            | Command::ParkWork { .. }
            | Command::HoldWork { .. }
            | Command::RequestCallback { .. }
            | Command::EndConsult { .. }
            | Command::StartConference { .. }
            | Command::LeaveCommands(_)
            | Command::Look(_)
            | Command::OpenDesk(_)
            | Command::CloseDesk { .. } => {}
            Command::ChangeTicket { id, change, .. } => {
                needs.tickets.push(*id);
                needs.above.extend(change.parent.flatten());
                if change.category.is_some() || change.purpose.is_some() {
                    needs.reclassified.push(*id);
                }
            }
            Command::AddNote { ticket, .. } => needs.tickets.push(*ticket),
            Command::MergeTickets { whole, part, .. } => {
                needs.tickets.push(*part);
                needs.above.push(*whole);
            }
            Command::UnmergeTicket { part, .. } => needs.tickets.push(*part),
            Command::SplitTicket { id, split, .. } => {
                needs.tickets.push(*id);
                needs.taken.0.extend(&split.items);
                needs.taken.1.extend(&split.interactions);
            }
            Command::ResolveTicket { id, .. }
            | Command::ReopenTicket { id, .. }
            | Command::CancelTicket { id, .. }
            | Command::CloseTicket { id, .. } => needs.tickets.push(*id),
            Command::AcceptOffer { item, .. }
            | Command::AssignWork { item, .. }
            | Command::MoveWork { item, .. }
            | Command::ReleaseWork { item, .. }
            | Command::HandOver { item, .. }
            | Command::MonitorWork { item, .. }
            | Command::StartConsult { item, .. }
            | Command::CompleteTransfer { item, .. }
            | Command::CompleteWork { item, .. }
            | Command::HandOnWork { item, .. } => needs.work_items.push(*item),
            Command::TakeCommands(_) => needs.present = true,
            Command::HearCommands { reports, .. } => {
                needs.present = true;
                needs
                    .commands
                    .extend(reports.iter().map(|report| report.id));
            }
            Command::CreateAgent(agent) => {
                needs.principals.push(agent.principal.expose().to_owned());
            }
            Command::ChangeAgent { id, .. } => needs.agents.push(*id),
            Command::ChangeRoutingDraft { id, .. } | Command::PublishRouting { id, .. } => {
                needs.routing_policies.push(*id);
            }
            Command::Apply { facts, .. } => intake::needs(facts, &mut needs),
        }
    }
    needs
}
