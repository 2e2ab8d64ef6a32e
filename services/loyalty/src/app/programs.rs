use std::time::Duration;

use rapport_foundation::context::Context;
use rapport_foundation::id::ProgramId;
use rapport_foundation::idempotency;
use rapport_foundation::page::fingerprint;

use super::{App, Asked, Page};
use crate::Error;
use crate::domain::{EarnRule, PointKind, Program, Terms};
use crate::store::programs;

/// A programme that is to be.
#[derive(Debug, Clone)]
pub(crate) struct NewProgram {
    pub(crate) code: String,
    pub(crate) display_name: String,
    pub(crate) points: PointKind,
    pub(crate) rule: EarnRule,
    pub(crate) terms: Terms,
    pub(crate) hold_timeout: Duration,
    pub(crate) auto_enrol: bool,
}

impl App {
    /// `CreateProgram`.
    pub(crate) async fn create_program(
        &self,
        ctx: &Context,
        new: NewProgram,
        key: idempotency::Key,
    ) -> Result<Program, Error> {
        let now = self.clock.now();
        let (new, key) = (&new, &key);
        self.store
            .write(ctx.tenant, |s| async move {
                if let Some((id, _)) = key.claim(&s).await?.replayed()? {
                    let id = ProgramId::from_uuid(id);
                    return programs::get(&s, id).await?.ok_or(Error::NoProgram(id));
                }
                if programs::has_code(&s, &new.code).await? {
                    return Err(Error::CodeTaken);
                }
                let new = new.clone();
                let program = Program {
                    id: ProgramId::new(now),
                    code: new.code,
                    display_name: new.display_name,
                    points: new.points,
                    rule: new.rule,
                    terms: new.terms,
                    hold_timeout: new.hold_timeout,
                    auto_enrol: new.auto_enrol,
                    created_at: now,
                    updated_at: now,
                    version: 1,
                };
                match programs::insert(&s, &program).await {
                    // Somebody was faster: the next run finds the code taken.
                    Err(rapport_foundation::db::Error::Unique) => return Err(s.raced().into()),
                    inserted => inserted?,
                }
                key.settle(&s, program.id.uuid(), program.version).await?;
                Ok(program)
            })
            .await
    }

    /// `GetProgram`.
    pub(crate) async fn get_program(&self, ctx: &Context, id: ProgramId) -> Result<Program, Error> {
        let found: Option<Program> = self
            .store
            .read(ctx.tenant, |s| async move {
                Ok::<_, Error>(programs::get(&s, id).await?)
            })
            .await?;
        found.ok_or(Error::NoProgram(id))
    }

    /// `ListPrograms`, newest first.
    pub(crate) async fn list_programs(
        &self,
        ctx: &Context,
        asked: Asked,
    ) -> Result<Page<Program>, Error> {
        let query = fingerprint(ctx.tenant, &["ListPrograms"]);
        let before = self.page_tokens.decode::<ProgramId>(&asked.token, &query)?;
        let limit = u64::from(asked.size) + 1;
        let found: Vec<Program> = self
            .store
            .read(ctx.tenant, |s| async move {
                Ok::<_, Error>(programs::page(&s, before, limit).await?)
            })
            .await?;
        let token = |last: &Program| self.page_tokens.encode(&query, &last.id);
        Ok(Page::cut(found, asked.size, token))
    }
}
