//! Commands to the connectors that hold contacts: made with what they follow from, handed over, and heard of.

use std::time::Duration;

use rapport_foundation::id::{AgentId, ContactCommandId, InteractionId, WorkItemId};
use rapport_foundation::time::Micros;
use uuid::Uuid;

use super::super::Error;
use super::super::command::{Done, Report};
use super::super::news;
use super::super::watch::{HeardOf, View};
use super::Fold;
use super::manual::holder;
use crate::domain::contact_command::{
    CommandFault, CommandKind, CommandState, ContactCommand, Heard, Said, Taker,
};
use crate::domain::engine::{Effect, Input, Refusal};
use crate::domain::sla::Happening;
use crate::domain::{By, Changed, TicketField, WorkItem, WorkState};

impl Fold<'_> {
    /// The engine has a connector do something.
    pub(super) fn note_command(&mut self, effect: &Effect) {
        let Effect::Commanded {
            item,
            kind,
            agent,
            queue,
            desk,
            next,
            consult,
        } = effect
        else {
            return;
        };
        let work = self.tenant.engine.last_seen(*item);
        let Some(command) = work.and_then(|work| self.command_for(work, *kind)) else {
            return;
        };
        self.tenant.commands.issue(ContactCommand {
            agent: *agent,
            queue: *queue,
            desk: *desk,
            next: *next,
            consult: *consult,
            ..command
        });
    }

    /// A command to the connector of a contact. None where there is none.
    fn command_for(&self, work: &WorkItem, kind: CommandKind) -> Option<ContactCommand> {
        let connector = work.passage.as_deref()?.connector.clone()?;
        Some(ContactCommand {
            id: ContactCommandId::new(self.now),
            item: work.id,
            interaction: self.contact_of(work)?,
            connector,
            kind,
            agent: None,
            queue: None,
            desk: None,
            next: None,
            consult: false,
            state: CommandState::Waiting,
            attempt: 0,
            may_be_done: false,
            stream: Uuid::nil(),
            made_at: self.now,
            ready_at: self.now,
            expires_at: self.now + self.worth(kind),
            lease_until: Micros::EPOCH,
            ended_at: None,
            reason: String::new(),
            version: 1,
        })
    }

    /// How long a command is worth being done: a telephone rings for longer than it takes to connect.
    fn worth(&self, kind: CommandKind) -> Duration {
        let worth = self.tenant.commands.pace().worth;
        match kind {
            CommandKind::CallBack => worth * 4,
            _ => worth,
        }
    }

    /// The contact of work, or that which its agent is asked about.
    fn contact_of(&self, work: &WorkItem) -> Option<InteractionId> {
        let of = work.consult_of();
        let of = of
            .and_then(|of| self.tenant.engine.last_seen(of))
            .unwrap_or(work);
        of.interaction
    }

    /// The customer behind waiting work hangs up, and is called when an agent accepts.
    pub(super) fn request_callback(
        &mut self,
        item: WorkItemId,
        attempts: u16,
        pause: Duration,
    ) -> Result<Done, Error> {
        let queue = self.tenant.engine.item(item).map(|work| work.queue);
        let opens = queue.and_then(|queue| self.tenant.opens_at(self.now, queue));
        self.step(Input::CallbackRequested {
            item,
            attempts,
            pause,
            not_before: opens,
        })?;
        Ok(self.work_done(item))
    }

    /// Lets somebody listen to a contact.
    pub(super) fn monitor_work(
        &mut self,
        item: WorkItemId,
        how: CommandKind,
        by: AgentId,
        said: &By,
    ) -> Result<Done, Error> {
        self.known_agent(by)?;
        let work = self.open_work(item)?;
        let WorkState::Accepted { agent, .. } = work.state else {
            return Err(Refusal::WorkNotAccepted.into());
        };
        if work.is_over() {
            return Err(Refusal::ContactOver.into());
        }
        let command = self.command_for(&work, how);
        let command = command.filter(|_| work.is_commanded());
        let command = command.ok_or(Refusal::NotCommanded)?;
        let done = Done::new(command.id.uuid(), 1);
        self.tenant.commands.issue(ContactCommand {
            agent: Some(by),
            desk: Some(by),
            ..command
        });
        let told = Changed {
            field: TicketField::WorkMonitor,
            old: format!("{item},{agent}"),
            new: format!("{},{by}", how.as_str()),
        };
        self.tell_change(work.ticket, told, said);
        Ok(done)
    }

    pub(super) fn take_commands(&mut self, taker: &Taker) -> Done {
        let times = (self.now, self.loaded.present);
        let taken = self.tenant.commands.take(taker, times);
        seen(View::Commands(taken))
    }

    pub(super) fn hear_commands(&mut self, taker: &Taker, reports: &[Report]) -> Done {
        let answers = reports.iter().map(|report| HeardOf {
            id: report.id,
            attempt: report.attempt,
            heard: self.hear(taker, report),
        });
        let answers = answers.collect();
        seen(View::Heard(answers))
    }

    pub(super) fn leave_commands(&mut self, stream: Uuid) -> Done {
        self.tenant.commands.abandon(stream, self.now);
        Done::new(Uuid::nil(), 0)
    }

    fn hear(&mut self, taker: &Taker, report: &Report) -> Heard {
        let (named, said) = ((report.id, report.attempt), &report.said);
        let was_open = self.tenant.commands.get(report.id).is_some();
        let times = (self.now, self.loaded.present);
        let heard = self.tenant.commands.hear(named, taker, said, times);
        let Some(heard) = heard else {
            return self.hear_of_ended(taker, report);
        };
        if let Some(command) = self.tenant.commands.ended(report.id).filter(|_| was_open) {
            let command = command.clone();
            let fault = match said {
                Said::Failed { fault, .. } => *fault,
                _ => CommandFault::Other,
            };
            self.command_ended(&command, fault);
        }
        heard
    }

    /// It is over: whatever is said of it changes nothing.
    fn hear_of_ended(&self, taker: &Taker, report: &Report) -> Heard {
        let known = self.tenant.commands.ended(report.id);
        let known = known.or_else(|| self.loaded.commands.get(&report.id));
        let theirs = known.filter(|command| {
            command.connector == taker.connector && (1..=command.attempt).contains(&report.attempt)
        });
        match (theirs, &report.said) {
            (None, _) => Heard::Unknown,
            (Some(command), Said::Accepted) => Heard::Withdrawn(command.state),
            (Some(command), _) => Heard::Noted(command.state),
        }
    }

    /// Gives up what is too late, as far as the tickets are there whose history may tell it.
    pub(super) fn expire_commands(&mut self) {
        let by = self.loaded.expired_by.min(self.now);
        for command in self.tenant.commands.expire(by) {
            self.command_ended(&command, CommandFault::Other);
        }
    }

    fn command_ended(&mut self, command: &ContactCommand, fault: CommandFault) {
        let (data, news) = news::command_ended(command);
        self.publish(command.item, data);
        self.news.extend(news);
        let calls = command.kind == CommandKind::CallBack;
        if fault == CommandFault::Contact && !calls {
            self.contact_gone(command);
            return;
        }
        if command.kind == CommandKind::Transfer && command.state != CommandState::Done {
            self.not_transferred(command);
            return;
        }
        if command.kind.alters() && command.state != CommandState::Done {
            self.not_done(command);
            return;
        }
        let Some(agent) = command.agent.filter(|_| command.kind.connects()) else {
            return;
        };
        let (item, at) = (command.item, command.made_at);
        if command.state == CommandState::Done {
            if !self.connected(item, agent, at) && calls {
                // Whoever has it by now: the customer is on the line.
                let item = self.goes_on(command);
                let _ = self.step(Input::Called { item });
            }
            return;
        }
        // What no connector ever took was no attempt to call them.
        if calls && fault != CommandFault::Agent && command.attempt > 0 {
            // Who has given it away meanwhile calls nobody.
            let _ = self.step(Input::NotCalled { item, agent, at });
            return;
        }
        // Who has given it away meanwhile has nothing to give back.
        let _ = self.step(Input::NotConnected {
            item,
            agent,
            at,
            unreachable: fault == CommandFault::Agent,
        });
    }

    /// Nobody is at the other end any more.
    fn contact_gone(&mut self, command: &ContactCommand) {
        let item = self.goes_on(command);
        let engine = &self.tenant.engine;
        if engine.item(item).is_some_and(WorkItem::is_to_be_called) {
            // That they have hung up is why they are called.
            return;
        }
        self.tenant.commands.cancel(command.interaction, self.now);
        // What nobody has, or is over, refuses: there is nothing to be done.
        let _ = self.step(Input::WorkItemWithdrawn {
            item,
            abandoned: true,
        });
    }

    /// The work that its contact is by now, whichever the command came of: of that of who is asked, or of what was handed on
    /// and ended meanwhile.
    fn goes_on(&self, command: &ContactCommand) -> WorkItemId {
        let known = self.loaded.by_interaction.get(&command.interaction);
        known.map_or(command.item, |(item, _)| *item)
    }

    /// A contact is as it was, unless something else is still to be done with it, which decides.
    fn not_done(&mut self, command: &ContactCommand) {
        let commands = &self.tenant.commands;
        let Some(agent) = command.desk else { return };
        if commands.is_to_do(command.interaction, |kind| kind.alters() || kind.moves()) {
            return;
        }
        // Who has given it away meanwhile has nothing that is as it was.
        let _ = self.step(Input::NotDone {
            item: command.item,
            agent,
            kind: command.kind,
            at: command.made_at,
        });
    }

    /// A contact is still with who had it: the work that was to go on with it goes back to them, or to others when they are
    /// gone.
    fn not_transferred(&mut self, command: &ContactCommand) {
        let Some((item, from)) = command.next.zip(command.desk) else {
            return;
        };
        // What is still to be done with it decides who has it.
        if self.tenant.commands.moves(command.interaction) {
            return;
        }
        let Ok(before) = self.open_work(item) else {
            return;
        };
        let given = command.agent.map(|agent| (agent, command.made_at));
        self.tenant.commands.cancel(command.interaction, self.now);
        // Who took it meanwhile, or finishes it, keeps it.
        if self
            .step(Input::NotTransferred { item, from, given })
            .is_ok()
        {
            self.tell_returned(&before);
        }
    }

    /// The history tells who has a contact that could not be handed on, or that it waits.
    fn tell_returned(&mut self, before: &WorkItem) {
        let Some(work) = self.tenant.engine.last_seen(before.id) else {
            return;
        };
        let beyond = match work.figures.over_capacity {
            true => ",over_capacity",
            false => "",
        };
        let told = Changed {
            field: TicketField::WorkAgent,
            old: holder(before),
            new: format!("{}{beyond},not_transferred", holder(work)),
        };
        self.tell_change(before.ticket, told, &By::default());
    }

    /// Answers whether the agent still has it.
    fn connected(&mut self, item: WorkItemId, agent: AgentId, at: Micros) -> bool {
        if self.step(Input::Connected { item, agent, at }).is_err() {
            return false;
        }
        // Who is asked has not taken up the matter, and a bot takes up none.
        let engine = &self.tenant.engine;
        let work = engine
            .item(item)
            .filter(|work| work.consult_of().is_none() && !engine.is_virtual(agent));
        if let Some(ticket) = work.map(|work| work.ticket) {
            self.happened(ticket, self.now, Happening::AgentReply);
        }
        true
    }
}

fn seen(view: View) -> Done {
    Done {
        seen: Some(Box::new(view)),
        ..Done::new(Uuid::nil(), 0)
    }
}
