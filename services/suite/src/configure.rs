//! Configuration as code: files say which queues, agents, calendars, promises and which routing policy there are, and what
//! is there is made to be so.
//!
//! Files name everything by its code and leave out what is usual. They are looked at as a whole before anything is asked,
//! by the rules of the service itself; then what is there is read, compared part by part, and changed in the version that
//! was read. What no file names stays.

use std::fmt;
use std::path::PathBuf;

use tonic::Status;

use crate::client::{self, Authorised};

mod apply;
mod chains;
mod check;
mod differ;
mod files;
mod kinds;
mod plan;
mod present;
mod publish;
mod reading;
mod shape;
mod tell;
mod wire;
mod write;

pub use apply::Outcome;
pub use differ::Difference;
pub use files::Fault;
pub use plan::{Action, Change, Plan, Unnamed};

use files::Document;
use kinds::KINDS;
use present::{Calls, Present};

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Everything that is wrong with the files.
    #[error("the files have {} fault(s):{}", .0.len(), listed(.0))]
    Faults(Vec<Fault>),
    /// What is there cannot be read.
    #[error("what is there cannot be read: {}", client::explain(.0))]
    Unread(Box<Status>),
    /// There is no kind of that name.
    #[error("{0}")]
    Kind(String),
    /// A plan was not done to its end.
    #[error("{}", told(.0))]
    Undone(Box<Outcome>),
}

fn listed<T: fmt::Display>(lines: &[T]) -> String {
    lines.iter().map(|line| format!("\n  {line}")).collect()
}

fn told(outcome: &Outcome) -> String {
    let (what, why) = outcome.failed.clone().unwrap_or_default();
    let done = outcome.done.len();
    let left = match outcome.left.as_slice() {
        [] => String::new(),
        left => format!("\nnot tried:{}", listed(left)),
    };
    format!("{what}: {why}\n{done} done before it{left}")
}

impl From<Vec<Fault>> for Error {
    fn from(mut faults: Vec<Fault>) -> Self {
        faults.sort();
        Error::Faults(faults)
    }
}

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        Error::Unread(Box::new(status))
    }
}

/// What files say, held against what is there.
#[derive(Debug)]
pub struct Comparison {
    /// What has to be done.
    pub plan: Plan,
    calls: Calls,
    documents: Vec<Document>,
    present: Present,
}

impl Comparison {
    /// Reads files, or folders of them, and what is there. With `prune` everything is read, and what no file names is told.
    ///
    /// # Errors
    /// Everything that is wrong with the files, before the first call where no call is needed to know it; else what a call
    /// ended with.
    pub async fn make(gateway: Authorised, paths: &[PathBuf], prune: bool) -> Result<Self, Error> {
        let (documents, mut faults) = files::read(paths);
        faults.extend(check::check(&documents));
        if !faults.is_empty() {
            return Err(faults.into());
        }
        let calls = Calls(gateway);
        let wanted = match prune {
            true => KINDS.iter().collect(),
            false => present::with_referred(&plan::kinds_of(&documents)),
        };
        let present = Present::read(&calls, &wanted).await?;
        let mut plan = Plan::make(&documents, &present, prune)?;
        apply::foresee(&calls, &mut plan, &present).await;
        Ok(Comparison {
            plan,
            calls,
            documents,
            present,
        })
    }

    /// The plan for people.
    pub fn lines(&self) -> Vec<String> {
        tell::lines(&self.plan)
    }

    /// Does what has to be done, and says each thing as it is done.
    ///
    /// # Errors
    /// What was in the way, with what was done and what was not.
    pub async fn apply(self, say: &mut (dyn FnMut(&str) + Send)) -> Result<Outcome, Error> {
        let Comparison {
            plan,
            calls,
            documents,
            present,
        } = self;
        let outcome = apply::apply(&calls, &plan, &documents, present, say).await;
        match outcome.failed {
            Some(_) => Err(Error::Undone(Box::new(outcome))),
            None => Ok(outcome),
        }
    }
}

/// What is there, as files say it; of these kinds, of all when none is named.
///
/// # Errors
/// When there is no such kind, or what a call ended with.
pub async fn get(gateway: Authorised, names: &[String]) -> Result<String, Error> {
    let mut wanted = std::collections::BTreeSet::new();
    for name in names {
        let known = KINDS.iter().map(|kind| kind.name);
        let kind = kinds::kind(name);
        let kind = kind.ok_or_else(|| Error::Kind(reading::nearest(name, known)))?;
        wanted.insert(kind.name);
    }
    if wanted.is_empty() {
        wanted.extend(KINDS.iter().map(|kind| kind.name));
    }
    let present = Present::read(&Calls(gateway), &present::with_referred(&wanted)).await?;
    let known = present.known.iter();
    let known: Vec<_> = known
        .filter(|known| wanted.contains(known.kind.name))
        .collect();
    Ok(write::toml(&known))
}

#[cfg(test)]
mod tests;
