//! What the connectors that hold contacts are told to do with them. Which contacts these are is decided when an agent
//! accepts, and holds as long as the contact lasts.

use rapport_foundation::id::{AgentId, QueueId, WorkItemId};
use rapport_foundation::time::Micros;

use super::Engine;
use super::input::{Effect, Refusal};
use crate::domain::contact_command::CommandKind;
use crate::domain::{Status, WorkItem, WorkState};

/// Whom a command is about, where the contact waits then, whose desk is told, and what work goes on with the contact.
#[derive(Clone, Copy, Default)]
pub(super) struct About {
    pub(super) agent: Option<AgentId>,
    pub(super) queue: Option<QueueId>,
    pub(super) desk: Option<AgentId>,
    pub(super) next: Option<WorkItemId>,
}

impl About {
    /// An agent, at whose desk it is told.
    pub(super) const fn agent(agent: AgentId) -> Self {
        Self::second(agent, agent)
    }

    /// A second agent, beside the one whose desk is told.
    pub(super) const fn second(second: AgentId, agent: AgentId) -> Self {
        Self {
            agent: Some(second),
            queue: None,
            desk: Some(agent),
            next: None,
        }
    }

    /// Nobody: the contact waits there as this work, and an agent had it.
    pub(super) const fn queue(queue: QueueId, next: WorkItemId, agent: AgentId) -> Self {
        Self {
            agent: None,
            queue: Some(queue),
            desk: Some(agent),
            next: Some(next),
        }
    }
}

impl Engine {
    /// Whether the contact of some work is held by a connector that takes commands.
    pub(super) fn is_commanded(&self, work: &WorkItem) -> bool {
        let Some(passage) = work.passage.as_deref() else {
            return false;
        };
        // Who is asked about a contact is told of as whoever has it.
        let own = passage.connector.is_some() && passage.consult_of.is_none();
        let asked = self.queues.get(&work.queue).is_some_and(|q| q.commanded);
        passage.commanded || (own && asked)
    }

    /// Has the connector do something with the contact, while there is one.
    pub(super) fn command(
        &self,
        item: WorkItemId,
        kind: CommandKind,
        about: About,
        out: &mut Vec<Effect>,
    ) {
        let told = self.passage(item);
        let told = told.filter(|passage| passage.commanded && !passage.over);
        if let Some(passage) = told {
            out.push(Effect::Commanded {
                item,
                kind,
                agent: about.agent,
                queue: about.queue,
                desk: about.desk,
                next: about.next,
                consult: passage.consult_of.is_some(),
            });
        }
    }

    /// An agent accepted it: if a connector takes commands for it, it does from now on. Answers whether.
    pub(super) fn begin_commands(&mut self, id: WorkItemId) -> bool {
        let commanded = self.item(id).is_some_and(|work| self.is_commanded(work));
        if commanded {
            self.link(id, |passage| passage.commanded = true);
        }
        commanded
    }

    /// They were reached: what they let lapse before does not count any more.
    pub(super) fn connected(
        &mut self,
        now: Micros,
        (id, agent, at): (WorkItemId, AgentId, Micros),
    ) -> Result<(), Refusal> {
        self.still_has(id, agent, at)?;
        self.note_called(now, id);
        self.answered(now, id, agent);
        self.touch_item(id);
        Ok(())
    }

    /// An agent is at it. Nobody of us has answered what a bot took.
    pub(super) fn answered(&mut self, now: Micros, id: WorkItemId, agent: AgentId) {
        self.forgive(agent);
        if !self.is_virtual(agent) {
            self.note_answer(now, id);
        }
    }

    /// The contact is where it was before they accepted.
    pub(super) fn not_connected(
        &mut self,
        now: Micros,
        (id, agent, at): (WorkItemId, AgentId, Micros),
        unreachable: bool,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        self.still_has(id, agent, at)?;
        if self.item(id).is_some_and(|work| work.settled) {
            // There is nobody to be connected: they complete it.
            return Err(Refusal::ContactOver);
        }
        self.part(now, id, out);
        self.pass_over(now, id, agent);
        if unreachable {
            self.count_lapse(now, id, agent, out);
        }
        self.match_agent(now, agent, out);
        self.match_item(now, id, out);
        Ok(())
    }

    /// A connector could not part a contact from who had it: what goes on with it goes back to them if they are there, whatever
    /// they have in hand; else it waits. Who was given it, if anybody, is not on the line.
    pub(super) fn not_transferred(
        &mut self,
        now: Micros,
        (id, from): (WorkItemId, AgentId),
        given: Option<(AgentId, Micros)>,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let work = self.item(id).ok_or(Refusal::WorkNotOpen)?;
        if work.settled {
            // There is nobody to be given back: who has it completes it.
            return Err(Refusal::ContactOver);
        }
        let parted = match work.state {
            WorkState::Waiting | WorkState::Offered(_) => None,
            // Who took it afterwards is connected by a command of their own.
            WorkState::Accepted { agent, at }
                if given.is_some_and(|(to, by)| to == agent && at <= by) =>
            {
                self.part(now, id, out);
                self.pass_over(now, id, agent);
                Some(agent)
            }
            _ => return Err(Refusal::WorkAccepted),
        };
        self.hand_back(now, id, from, out);
        if let Some(agent) = parted {
            self.match_agent(now, agent, out);
        }
        self.match_item(now, id, out);
        Ok(())
    }

    /// A connector could not do something with a contact that stays with its agent: it is as it was, so that they may try
    /// again. Who says so knows that nothing was asked for since.
    pub(super) fn not_done(
        &mut self,
        (id, agent): (WorkItemId, AgentId),
        kind: CommandKind,
        at: Micros,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        self.in_hands(id, agent)?;
        let asked = self.item(id).and_then(WorkItem::consult);
        let before = self.passage(id).cloned().unwrap_or_default();
        let mut after = before.clone();
        after.undo(kind, at);
        if after == before {
            return Ok(());
        }
        self.link(id, |passage| *passage = after);
        out.push(Effect::WorkChanged { item: id, agent });
        let second = asked.and_then(|asked| Some((asked, self.item(asked)?.agent()?)));
        if let Some((asked, second)) = second.filter(|_| kind == CommandKind::Conference) {
            out.push(Effect::WorkChanged {
                item: asked,
                agent: second,
            });
        }
        Ok(())
    }

    /// What an agent let lapse before does not count any more.
    pub(super) fn forgive(&mut self, agent: AgentId) {
        let lapsed = self.floor.change(agent, |seat| {
            std::mem::take(&mut seat.standing.lapsed_offers)
        });
        if lapsed.is_some_and(|n| n > 0) {
            self.touch_agent(agent);
        }
    }

    /// Counts that an agent did not answer, and takes them off the floor when it was once too often.
    pub(super) fn count_lapse(
        &mut self,
        now: Micros,
        id: WorkItemId,
        agent: AgentId,
        out: &mut Vec<Effect>,
    ) {
        let queue = self.items.get(&id).map(|held| held.work.queue);
        let most = queue
            .and_then(|q| self.queues.get(&q))
            .map_or(1, |q| q.max_lapsed_offers.max(1));
        let lapsed = self.floor.change(agent, |seat| {
            seat.standing.lapsed_offers += 1;
            seat.standing.lapsed_offers
        });
        self.touch_agent(agent);
        let standing = self.standing(agent);
        if lapsed.is_some_and(|n| n >= most)
            && standing.is_some_and(|s| s.status == Status::Available)
        {
            self.change_status(now, agent, Status::NotResponding, None, out);
            self.take_back_offers(now, agent, out);
        }
    }

    pub(super) fn still_has(
        &self,
        id: WorkItemId,
        agent: AgentId,
        at: Micros,
    ) -> Result<(), Refusal> {
        match self.item(id).map(|work| &work.state) {
            Some(WorkState::Accepted {
                agent: theirs,
                at: since,
            }) if (*theirs, *since) == (agent, at) => Ok(()),
            Some(_) => Err(Refusal::WorkNotAccepted),
            None => Err(Refusal::WorkNotOpen),
        }
    }
}
