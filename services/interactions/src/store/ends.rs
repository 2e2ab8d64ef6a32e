//! How live contacts ended: one row each, never changed.

use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::InteractionId;
use rapport_foundation::time::Micros;
use sea_orm::Value;

use super::Store;
use crate::domain::End;

impl Store {
    /// Notes the end of a contact that has none yet.
    pub(crate) async fn end(
        &self,
        s: &Scoped,
        id: InteractionId,
        end: End,
        now: Micros,
    ) -> Result<(), Error> {
        let sql = "insert into contact_end (tenant_id, interaction_id, ended_at, reason, told_at) \
                   values ($1, $2, $3, $4, $5) on conflict (tenant_id, interaction_id) do nothing";
        let values: [Value; 4] = [
            id.uuid().into(),
            end.at.0.into(),
            end.reason.code().into(),
            now.0.into(),
        ];
        // Another call noted an end at the same time: what that means is decided anew.
        if s.raw_exec(sql, values).await? == 1 {
            Ok(())
        } else {
            Err(s.raced())
        }
    }
}
