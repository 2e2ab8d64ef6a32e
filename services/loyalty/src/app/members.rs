use rapport_foundation::context::Context;
use rapport_foundation::db::Scoped;
use rapport_foundation::events::{self, Outgoing};
use rapport_foundation::id::{MemberId, ProgramId};
use rapport_foundation::idempotency;
use rapport_foundation::page::fingerprint;
use rapport_foundation::time::Micros;

use super::{App, Asked, Page, may_see};
use crate::Error;
use crate::domain::{CustomerRef, Member};
use crate::store::members::Filter;
use crate::store::{customers, members, programs};

/// A customer who is to become a member.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Enrol {
    pub(crate) program: ProgramId,
    pub(crate) customer: CustomerRef,
}

/// Makes a customer a member, in this transaction. The customer is whoever the record belongs to now.
///
/// # Errors
/// [`Error::MemberExists`].
pub(super) async fn enrol(s: &Scoped, new: Enrol, now: Micros) -> Result<Member, Error> {
    let moved = customers::moved(s, [new.customer.record]).await?;
    let customer = moved
        .get(&new.customer.record)
        .copied()
        .unwrap_or(new.customer.customer);
    let slot = members::slot(s, new.program, customer).await?;
    let known = members::of_customer(s, customer).await?;
    if let Some(member) = known.iter().find(|member| member.program == new.program) {
        return Err(Error::MemberExists(member.id));
    }
    let member = Member {
        id: MemberId::new(now),
        program: new.program,
        customer: CustomerRef {
            customer,
            record: new.customer.record,
        },
        enrolled_at: now,
        version: 1,
    };
    match members::insert(s, &member, slot).await {
        // Somebody was faster: the next run finds the member.
        Err(rapport_foundation::db::Error::Unique) => return Err(s.raced().into()),
        inserted => inserted?,
    }
    Ok(member)
}

/// What others are told of a new member.
pub(super) fn enrolment(member: &Member) -> Outgoing {
    Outgoing::new(
        member.enrolled_at,
        member.id,
        super::events::enrolled(member),
    )
}

impl App {
    /// `EnrolMember`.
    pub(crate) async fn enrol_member(
        &self,
        ctx: &Context,
        new: Enrol,
        key: idempotency::Key,
    ) -> Result<Member, Error> {
        let now = self.clock.now();
        let key = &key;
        self.store
            .write(ctx.tenant, |s| async move {
                if let Some((id, _)) = key.claim(&s).await?.replayed()? {
                    let id = MemberId::from_uuid(id);
                    return members::get(&s, id).await?.ok_or(Error::NoMember(id));
                }
                if programs::get(&s, new.program).await?.is_none() {
                    return Err(Error::NoProgram(new.program));
                }
                let member = enrol(&s, new, now).await?;
                events::append(&s, &enrolment(&member)).await?;
                key.settle(&s, member.id.uuid(), member.version).await?;
                Ok(member)
            })
            .await
    }

    /// `GetMember`.
    pub(crate) async fn get_member(&self, ctx: &Context, id: MemberId) -> Result<Member, Error> {
        let found: Option<Member> = self
            .store
            .read(ctx.tenant, |s| async move {
                Ok::<_, Error>(members::get(&s, id).await?)
            })
            .await?;
        found
            .filter(|member| may_see(ctx, member.customer.customer))
            .ok_or(Error::NoMember(id))
    }

    /// `ListMembers`, newest first.
    pub(crate) async fn list_members(
        &self,
        ctx: &Context,
        filter: Filter,
        asked: Asked,
    ) -> Result<Page<Member>, Error> {
        let [program, customer] = [
            filter.program.map(|id| id.to_string()).unwrap_or_default(),
            filter.customer.map(|id| id.to_string()).unwrap_or_default(),
        ];
        let query = fingerprint(ctx.tenant, &["ListMembers", &program, &customer]);
        let before = self.page_tokens.decode::<MemberId>(&asked.token, &query)?;
        let limit = u64::from(asked.size) + 1;
        let mut found: Vec<Member> = self
            .store
            .read(ctx.tenant, |s| async move {
                Ok::<_, Error>(members::page(&s, filter, before, limit).await?)
            })
            .await?;
        found.retain(|member| may_see(ctx, member.customer.customer));
        let token = |last: &Member| self.page_tokens.encode(&query, &last.id);
        Ok(Page::cut(found, asked.size, token))
    }
}
