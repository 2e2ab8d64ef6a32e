use rapport_foundation::id::{AgentId, CalendarId};

use super::super::Error;
use super::super::command::{AgentChange, Done, NewAgent};
use super::Fold;
use crate::domain::engine::{Input, Profile, StreamId};
use crate::domain::{Agent, AgentKind, Capacity, Code, Standing, Status, WorkSelection};

/// How much an agent takes at once where nobody says otherwise.
const USUAL_CAPACITY: u16 = 1;

impl Fold<'_> {
    pub(super) fn create_agent(&mut self, new: &NewAgent) -> Result<Done, Error> {
        let principal = new.principal.expose();
        if self.loaded.principals.contains_key(principal) {
            return Err(Error::PrincipalTaken);
        }
        self.check_named(&new.settings)?;
        let mut agent = Agent {
            id: AgentId::new(self.now),
            principal: new.principal.clone(),
            display_name: new.principal.clone(),
            address: Default::default(),
            skills: Default::default(),
            skills_until: Default::default(),
            queues: Default::default(),
            capacity: Capacity::of_each(USUAL_CAPACITY, self.now),
            work_selection: WorkSelection::Oldest,
            kind: AgentKind::Person,
            shifts: None,
            standing: Standing::new(self.now),
            created_at: self.now,
            updated_at: self.now,
            version: 1,
        };
        apply(&mut agent, &new.settings);
        self.loaded
            .principals
            .insert(principal.to_owned(), agent.id);
        self.put_agent(agent)
    }

    pub(super) fn change_agent(
        &mut self,
        id: AgentId,
        change: &AgentChange,
        etag: Option<i64>,
    ) -> Result<Done, Error> {
        let agent = self
            .loaded
            .agents
            .get(&id)
            .ok_or_else(|| Error::not_found("agent", id))?;
        if etag.is_some_and(|etag| etag != agent.version) {
            return Err(Error::EtagMismatch);
        }
        self.check_named(change)?;
        let mut agent = agent.clone();
        let before = agent.capacity.clone();
        apply(&mut agent, change);
        if agent.capacity != before {
            agent.capacity.since = self.now;
        }
        agent.updated_at = self.now;
        agent.version += 1;
        self.put_agent(agent)
    }

    fn put_agent(&mut self, agent: Agent) -> Result<Done, Error> {
        let done = Done::new(agent.id.uuid(), agent.version);
        self.step(Input::AgentChanged(Profile::from(&agent)))?;
        self.agents.insert(agent.id);
        self.loaded.agents.insert(agent.id, agent);
        Ok(done)
    }

    pub(super) fn set_status(
        &mut self,
        agent: AgentId,
        status: Status,
        reason: Option<&Code>,
    ) -> Result<Done, Error> {
        self.known_agent(agent)?;
        self.step(Input::StatusSet {
            agent,
            status,
            reason: reason.cloned(),
        })?;
        Ok(Done::new(agent.uuid(), 0))
    }

    pub(super) fn open_desk(&mut self, agent: AgentId, stream: StreamId) -> Result<Done, Error> {
        self.known_agent(agent)?;
        self.step(Input::StreamOpened { agent, stream })?;
        Ok(Done::new(agent.uuid(), 0))
    }

    pub(super) fn close_desk(&mut self, agent: AgentId, stream: StreamId) -> Result<Done, Error> {
        self.step(Input::StreamClosed { agent, stream })?;
        Ok(Done::new(agent.uuid(), 0))
    }

    pub(super) fn known_agent(&self, id: AgentId) -> Result<(), Error> {
        match self.tenant.engine.standing(id) {
            Some(_) => Ok(()),
            None => Err(Error::not_found("agent", id)),
        }
    }

    fn check_named(&self, change: &AgentChange) -> Result<(), Error> {
        for queue in change.queues.iter().flatten() {
            self.known_queue(*queue)?;
        }
        self.known_calendar(change.shifts.flatten())
    }

    pub(super) fn known_calendar(&self, named: Option<CalendarId>) -> Result<(), Error> {
        match named {
            Some(id) if !self.tenant.book.calendars.contains_key(&id) => {
                Err(Error::not_found("calendar", id))
            }
            _ => Ok(()),
        }
    }
}

fn apply(agent: &mut Agent, change: &AgentChange) {
    fn set<T: Clone>(field: &mut T, value: Option<&T>) {
        if let Some(value) = value {
            field.clone_from(value);
        }
    }
    set(&mut agent.display_name, change.display_name.as_ref());
    set(&mut agent.address, change.address.as_ref());
    set(&mut agent.skills, change.skills.as_ref());
    set(&mut agent.skills_until, change.skills_until.as_ref());
    set(&mut agent.queues, change.queues.as_ref());
    set(&mut agent.capacity.usual, change.usual_capacity.as_ref());
    set(&mut agent.capacity.named, change.capacities.as_ref());
    set(&mut agent.capacity.total, change.total_capacity.as_ref());
    set(&mut agent.work_selection, change.work_selection.as_ref());
    set(&mut agent.kind, change.kind.as_ref());
    set(&mut agent.shifts, change.shifts.as_ref());
}
