//! The only place of this service that looks across tenants.

use rapport_foundation::db::{Error, System};
use rapport_foundation::time::Micros;

use super::Store;

mod owners;

pub(crate) use owners::Replica;

impl Store {
    /// Forgets contacts that ended before `before` and whose interaction never asked for
    /// anybody. Answers how many.
    pub(crate) async fn forget_ended_contacts(&self, before: Micros) -> Result<u64, Error> {
        let sql = "delete from ended_contacts where ended_at < $1";
        let forget = |s: System| async move { s.raw_exec(sql, [before.0.into()]).await };
        self.db.system_write(forget).await
    }

    /// Forgets what calls before a moment were about: their request ids are forgotten, too.
    pub(crate) async fn forget_picks(&self, before: Micros) -> Result<u64, Error> {
        let sql = "delete from ticket_picks where picked_at < $1";
        let forget = |s: System| async move { s.raw_exec(sql, [before.0.into()]).await };
        self.db.system_write(forget).await
    }

    /// Forgets commands to connectors that were over before a moment. Answers how many.
    pub(crate) async fn forget_commands(&self, before: Micros) -> Result<u64, Error> {
        let sql = "delete from contact_commands where ended_at < $1";
        let forget = |s: System| async move { s.raw_exec(sql, [before.0.into()]).await };
        self.db.system_write(forget).await
    }

    /// Forgets how agents spent their time in spells that ended before `before`. Answers how many.
    pub(crate) async fn forget_spells(&self, before: Micros) -> Result<u64, Error> {
        let sql = "delete from agent_spells where ended_at < $1";
        let forget = |s: System| async move { s.raw_exec(sql, [before.0.into()]).await };
        self.db.system_write(forget).await
    }
}
