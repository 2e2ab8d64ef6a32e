use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use rapport_foundation::id::{ContactCommandId, InteractionId};
use rapport_foundation::time::Micros;
use uuid::Uuid;

use super::{CommandKind, CommandState, ContactCommand, EXPIRED, Said};

/// What is given back is not handed over again at once.
const PAUSE: Duration = Duration::from_secs(1);

/// The commands of a tenant that something may still become of. Its owner alone changes them.
#[derive(Clone, Debug, Default)]
pub struct CommandBook {
    pace: Pace,
    open: BTreeMap<ContactCommandId, ContactCommand>,
    ends: BTreeSet<(Micros, ContactCommandId)>,
    touched: BTreeMap<ContactCommandId, ContactCommand>,
}

/// What is confirmed again and again is kept for so often as long as it is worth at the most.
const MOST_WORTH: u32 = 6;

/// How long things may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Until a connector says something of a command that it has.
    pub lease: Duration,
    /// Until a command is given up that nobody is at.
    pub worth: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(10),
            worth: Duration::from_secs(30),
        }
    }
}

/// Who takes commands.
#[derive(Clone, Debug)]
pub struct Taker {
    /// Whose they are.
    pub connector: Arc<str>,
    /// The stream they are handed to.
    pub stream: Uuid,
    /// How many at most.
    pub most: usize,
}

/// What a connector is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It may be done, and its outcome is waited for until then by the database's clock.
    Confirmed(Micros),
    /// It must not be done.
    Withdrawn(CommandState),
    /// What was said is noted, whatever it changed.
    Noted(CommandState),
    /// There was no such attempt.
    Unknown,
}

impl CommandBook {
    /// As the tables say. Who had commands has gone: they are put back, so that the next stream gets them.
    #[must_use]
    pub fn restored(pace: Pace, commands: Vec<ContactCommand>) -> Self {
        let mut book = Self {
            pace,
            ..Self::default()
        };
        for command in commands {
            book.ends.insert((command.expires_at, command.id));
            book.open.insert(command.id, command);
        }
        let held: Vec<_> = book.held_by(|_| true);
        for id in held {
            book.change(id, |command| put_back(command, Micros::EPOCH));
        }
        book
    }

    /// How long things may take.
    #[must_use]
    pub const fn pace(&self) -> Pace {
        self.pace
    }

    /// Adds a command.
    pub fn issue(&mut self, command: ContactCommand) {
        self.ends.insert((command.expires_at, command.id));
        self.touched.insert(command.id, command.clone());
        self.open.insert(command.id, command);
    }

    /// Something of a command that is open.
    #[must_use]
    pub fn get(&self, id: ContactCommandId) -> Option<&ContactCommand> {
        self.open.get(&id)
    }

    /// A command that ended since the changes were last taken.
    #[must_use]
    pub fn ended(&self, id: ContactCommandId) -> Option<&ContactCommand> {
        let touched = self.touched.get(&id);
        touched.filter(|command| !command.state.is_open())
    }

    /// When the next command is given up, unless something becomes of it before.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Micros> {
        self.ends.first().map(|(at, _)| *at)
    }

    /// Hands commands over: of each contact the first that is open, when it waits, or whoever had it let the lease end. `now`
    /// is the owner's time, `present` the database's.
    pub fn take(&mut self, taker: &Taker, (now, present): (Micros, Micros)) -> Vec<ContactCommand> {
        let mut seen: BTreeSet<InteractionId> = BTreeSet::new();
        let theirs = self
            .open
            .values()
            .filter(|c| c.connector == taker.connector);
        let first = theirs.filter(|command| seen.insert(command.interaction));
        let may = |command: &&ContactCommand| match command.state {
            CommandState::Waiting => command.ready_at <= now,
            _ => command.lease_until <= present,
        };
        let ids: Vec<_> = first.filter(may).map(|command| command.id).collect();
        let lease_until = present + self.pace.lease;
        let mut taken = Vec::new();
        for id in ids.into_iter().take(taker.most) {
            self.change(id, |command| {
                put_back(command, now);
                command.state = CommandState::Handed;
                command.attempt = command.attempt.saturating_add(1);
                command.stream = taker.stream;
                command.lease_until = lease_until;
            });
            taken.extend(self.open.get(&id).cloned());
        }
        taken
    }

    /// Takes in what a connector says of an attempt. None when no such command is open.
    pub fn hear(
        &mut self,
        (id, attempt): (ContactCommandId, i32),
        taker: &Taker,
        said: &Said,
        (now, present): (Micros, Micros),
    ) -> Option<Heard> {
        let command = self.open.get(&id)?;
        if command.connector != taker.connector || !(1..=command.attempt).contains(&attempt) {
            return Some(Heard::Unknown);
        }
        let last = attempt == command.attempt;
        match said {
            // Of all attempts the last one alone is confirmed, also when its lease ended and nobody was let in between.
            Said::Accepted if last => {
                let until = present + self.pace.lease;
                let expires_at = self.kept_until(command, now);
                self.ends.remove(&(command.expires_at, id));
                self.ends.insert((expires_at, id));
                self.change(id, |command| {
                    command.state = CommandState::Accepted;
                    command.stream = taker.stream;
                    command.lease_until = until;
                    command.expires_at = expires_at;
                });
                Some(Heard::Confirmed(until))
            }
            Said::Accepted => Some(Heard::Withdrawn(command.state)),
            // The truth, whichever attempt it was.
            Said::Done => Some(Heard::Noted(self.end(id, CommandState::Done, "", now))),
            Said::Failed { reason, .. } if last => {
                let state = self.end(id, CommandState::Failed, reason, now);
                Some(Heard::Noted(state))
            }
            Said::Released if last && command.state != CommandState::Waiting => {
                self.change(id, |command| {
                    // They say that it was not done.
                    command.state = CommandState::Handed;
                    put_back(command, now + PAUSE);
                });
                Some(Heard::Noted(CommandState::Waiting))
            }
            Said::Failed { .. } | Said::Released => Some(Heard::Noted(command.state)),
        }
    }

    /// Until when a command is kept that somebody is at: not given up in the middle, nor kept for ever.
    fn kept_until(&self, command: &ContactCommand, now: Micros) -> Micros {
        let latest = command.made_at + self.pace.worth * MOST_WORTH;
        command.expires_at.max(latest.min(now + self.pace.lease))
    }

    /// Whether somebody else is to be on the line with a contact by what is still to be done with it.
    #[must_use]
    pub fn moves(&self, interaction: InteractionId) -> bool {
        self.is_to_do(interaction, CommandKind::moves)
    }

    /// Whether something of a kind is still to be done with a contact.
    #[must_use]
    pub fn is_to_do(&self, interaction: InteractionId, fits: impl Fn(CommandKind) -> bool) -> bool {
        let mut open = self.open.values();
        open.any(|command| command.interaction == interaction && fits(command.kind))
    }

    /// A stream broke: what it had goes to the next one.
    pub fn abandon(&mut self, stream: Uuid, now: Micros) {
        for id in self.held_by(|command| command.stream == stream) {
            self.change(id, |command| put_back(command, now));
        }
    }

    /// Gives up what is too late, and tells what that was.
    pub fn expire(&mut self, now: Micros) -> Vec<ContactCommand> {
        let mut expired = Vec::new();
        while let Some((_, id)) = self.ends.first().copied().filter(|(at, _)| *at <= now) {
            self.end(id, CommandState::Expired, EXPIRED, now);
            expired.extend(self.touched.get(&id).cloned());
        }
        expired
    }

    /// The contact is over: nothing is to be done with it.
    pub fn cancel(&mut self, interaction: InteractionId, now: Micros) {
        let of_contact = self.open.values().filter(|c| c.interaction == interaction);
        let ids: Vec<_> = of_contact.map(|command| command.id).collect();
        for id in ids {
            self.end(id, CommandState::Cancelled, "", now);
        }
    }

    /// What changed since the last call, as it is now.
    pub fn take_changes(&mut self) -> Vec<ContactCommand> {
        std::mem::take(&mut self.touched).into_values().collect()
    }

    fn held_by(&self, fits: impl Fn(&ContactCommand) -> bool) -> Vec<ContactCommandId> {
        let held = |c: &&ContactCommand| c.state != CommandState::Waiting && fits(c);
        self.open.values().filter(held).map(|c| c.id).collect()
    }

    fn change(&mut self, id: ContactCommandId, change: impl FnOnce(&mut ContactCommand)) {
        if let Some(command) = self.open.get_mut(&id) {
            change(command);
            command.version += 1;
            self.touched.insert(id, command.clone());
        }
    }

    fn end(
        &mut self,
        id: ContactCommandId,
        state: CommandState,
        reason: &str,
        now: Micros,
    ) -> CommandState {
        if let Some(mut command) = self.open.remove(&id) {
            self.ends.remove(&(command.expires_at, id));
            command.state = state;
            command.stream = Uuid::nil();
            command.ended_at = Some(now);
            reason.clone_into(&mut command.reason);
            command.version += 1;
            self.touched.insert(id, command);
        }
        state
    }
}

fn put_back(command: &mut ContactCommand, ready_at: Micros) {
    command.may_be_done |= command.state == CommandState::Accepted;
    command.state = CommandState::Waiting;
    command.stream = Uuid::nil();
    command.ready_at = ready_at;
}
