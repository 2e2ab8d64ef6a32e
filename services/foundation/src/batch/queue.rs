//! The commands that wait, fair between tenants.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};

use crate::error::{Code, Failure};
use crate::id::TenantId;

/// A command and where its answer goes.
pub(super) struct Waiting<C, A> {
    pub(super) command: C,
    pub(super) answer: oneshot::Sender<A>,
}

/// A bounded queue that gives one command of each tenant in turn.
pub(super) struct Queue<C, A> {
    state: Mutex<State<C, A>>,
    pushed: Notify,
    most: usize,
}

struct State<C, A> {
    by_tenant: HashMap<TenantId, VecDeque<Waiting<C, A>>>,
    /// Tenants that have something waiting, each once, in turn.
    turns: VecDeque<TenantId>,
    count: usize,
    closed: bool,
}

impl<C, A> Queue<C, A> {
    pub(super) fn new(most: usize) -> Self {
        let state = State {
            by_tenant: HashMap::new(),
            turns: VecDeque::new(),
            count: 0,
            closed: false,
        };
        Self {
            state: Mutex::new(state),
            pushed: Notify::new(),
            most,
        }
    }

    pub(super) fn push(&self, tenant: TenantId, waiting: Waiting<C, A>) -> Result<(), Failure> {
        let mut state = self.lock();
        if state.closed {
            return Err(Failure::new(
                Code::Unavailable,
                "DRAINING",
                "The service is shutting down.",
            ));
        }
        if state.count >= self.most {
            return Err(Failure::new(
                Code::ResourceExhausted,
                "OVERLOADED",
                "Too much is waiting; try again.",
            ));
        }
        state.count += 1;
        let line = state.by_tenant.entry(tenant).or_default();
        line.push_back(waiting);
        if line.len() == 1 {
            state.turns.push_back(tenant);
        }
        drop(state);
        self.pushed.notify_one();
        Ok(())
    }

    /// Waits for the first command and takes what is there, `most` at most; none once closed and empty.
    pub(super) async fn take(&self, most: usize) -> Option<Vec<Waiting<C, A>>> {
        loop {
            {
                let mut state = self.lock();
                let batch = state.take(most);
                if !batch.is_empty() {
                    if state.count > 0 {
                        // For the other lanes: one notice may have stood for several pushes.
                        self.pushed.notify_one();
                    }
                    return Some(batch);
                }
                if state.closed {
                    // Passed on, so that every lane ends.
                    self.pushed.notify_one();
                    return None;
                }
            }
            self.pushed.notified().await;
        }
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.pushed.notify_one();
    }

    pub(super) fn len(&self) -> usize {
        self.lock().count
    }

    fn lock(&self) -> MutexGuard<'_, State<C, A>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C, A> State<C, A> {
    fn take(&mut self, most: usize) -> Vec<Waiting<C, A>> {
        let mut batch = Vec::with_capacity(most.min(self.count));
        while batch.len() < most {
            let Some(tenant) = self.turns.pop_front() else {
                break;
            };
            let Some(line) = self.by_tenant.get_mut(&tenant) else {
                continue;
            };
            batch.extend(line.pop_front());
            if line.is_empty() {
                self.by_tenant.remove(&tenant);
            } else {
                self.turns.push_back(tenant);
            }
        }
        self.count -= batch.len();
        batch
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Micros;

    #[tokio::test]
    async fn tenants_take_turns() {
        let queue: Queue<u32, ()> = Queue::new(10);
        let (a, b) = (TenantId::new(Micros(1)), TenantId::new(Micros(1)));
        for (tenant, command) in [(a, 1), (a, 2), (a, 3), (b, 10), (b, 11)] {
            assert!(
                queue
                    .push(
                        tenant,
                        Waiting {
                            command,
                            answer: oneshot::channel().0
                        }
                    )
                    .is_ok()
            );
        }
        let taken = async |most| {
            queue
                .take(most)
                .await
                .map(|batch| batch.into_iter().map(|w| w.command).collect::<Vec<_>>())
        };
        assert_eq!(taken(4).await, Some(vec![1, 10, 2, 11]));
        assert_eq!(taken(4).await, Some(vec![3]));
        queue.close();
        assert_eq!(taken(4).await, None);
    }
}
