use rapport_foundation::id::QueueId;

use super::super::Error;
use super::super::command::{Done, NewQueue, QueueChange};
use super::Fold;
use crate::domain::engine::{Input, Terms};
use crate::domain::{Code, DEFAULT_QUEUE, Queue};

impl Fold<'_> {
    pub(super) fn create_queue(&mut self, new: &NewQueue) -> Result<Done, Error> {
        if self.tenant.queue_by_code(&new.code).is_some() {
            return Err(Error::CodeTaken);
        }
        self.known_calendar(new.settings.opening.flatten())?;
        let mut queue = Queue::usual(QueueId::new(self.now), new.code.clone(), self.now);
        apply(&mut queue, &new.settings);
        self.leads_somewhere(&queue)?;
        Ok(self.put_queue(queue))
    }

    pub(super) fn change_queue(
        &mut self,
        id: QueueId,
        change: &QueueChange,
        etag: Option<i64>,
    ) -> Result<Done, Error> {
        let queue = self.tenant.queues.get(&id);
        let mut queue = queue
            .cloned()
            .ok_or_else(|| Error::not_found("queue", id))?;
        if etag.is_some_and(|etag| etag != queue.version) {
            return Err(Error::EtagMismatch);
        }
        self.known_calendar(change.opening.flatten())?;
        apply(&mut queue, change);
        self.leads_somewhere(&queue)?;
        queue.updated_at = self.now;
        queue.version += 1;
        Ok(self.put_queue(queue))
    }

    fn put_queue(&mut self, queue: Queue) -> Done {
        let done = Done::new(queue.id.uuid(), queue.version);
        // The engine refuses no queue.
        let _ = self.step(Input::QueueChanged(Terms::from(&queue)));
        self.queues.insert(queue.id);
        self.tenant.queues.insert(queue.id, queue);
        done
    }

    pub(super) fn known_queue(&self, id: QueueId) -> Result<QueueId, Error> {
        let known = self.tenant.queues.contains_key(&id);
        if known {
            Ok(id)
        } else {
            Err(Error::not_found("queue", id))
        }
    }

    /// The queue somebody named, if there is one of that code.
    pub(super) fn queue_of_code(&self, code: Option<&Code>) -> Option<QueueId> {
        let named = code.and_then(|code| self.tenant.queue_by_code(code));
        named.map(|queue| queue.id)
    }

    /// The tenant's default queue; made when first needed.
    pub(super) fn default_queue(&mut self) -> QueueId {
        let found = self
            .tenant
            .queues
            .values()
            .find(|queue| queue.code.as_str() == DEFAULT_QUEUE);
        if let Some(queue) = found {
            return queue.id;
        }
        let id = QueueId::new(self.now);
        if let Ok(code) = DEFAULT_QUEUE.parse() {
            self.put_queue(Queue::usual(id, code, self.now));
        }
        id
    }
}

fn apply(queue: &mut Queue, change: &QueueChange) {
    fn set<T: Clone>(field: &mut T, value: Option<&T>) {
        if let Some(value) = value {
            field.clone_from(value);
        }
    }
    set(&mut queue.display_name, change.display_name.as_ref());
    set(
        &mut queue.default_priority,
        change.default_priority.as_ref(),
    );
    set(&mut queue.offer_timeout, change.offer_timeout.as_ref());
    set(&mut queue.wrap_up, change.wrap_up.as_ref());
    set(&mut queue.most_wrap_up, change.most_wrap_up.as_ref());
    set(
        &mut queue.max_lapsed_offers,
        change.max_lapsed_offers.as_ref(),
    );
    set(&mut queue.required_skills, change.required_skills.as_ref());
    set(&mut queue.most_waiting, change.most_waiting.as_ref());
    set(&mut queue.overflow, change.overflow.as_ref());
    set(&mut queue.answer_target, change.answer_target.as_ref());
    set(&mut queue.short_abandon, change.short_abandon.as_ref());
    let discipline = &mut queue.discipline;
    set(&mut discipline.selection, change.selection.as_ref());
    set(
        &mut discipline.most_occupancy_spread,
        change.most_occupancy_spread.as_ref(),
    );
    set(&mut discipline.weight, change.weight.as_ref());
    set(&mut discipline.broadcast, change.broadcast.as_ref());
    set(&mut queue.commanded, change.commanded.as_ref());
    set(&mut queue.preference, change.preference.as_ref());
    set(&mut queue.preference_time, change.preference_time.as_ref());
    set(&mut queue.opening, change.opening.as_ref());
}
