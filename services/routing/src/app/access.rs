//! Who may do what to whose work: the rights that depend on the object.

use rapport_foundation::context::{Context, PrincipalKind};
use rapport_foundation::id::AgentId;
use rapport_foundation::personal::Personal;

use super::command::Actor;
use super::{App, Error};
use crate::domain::{Author, By};

/// Roles that direct the work of others.
const DIRECTING: [&str; 3] = ["supervisor", "manager", "operator"];

/// Whether the caller acts for agents rather than as one.
fn acts_for_others(ctx: &Context) -> bool {
    match ctx.kind {
        PrincipalKind::System | PrincipalKind::Service | PrincipalKind::Operator => {
            !ctx.has_role("agent") || DIRECTING.iter().any(|role| ctx.has_role(role))
        }
        PrincipalKind::Staff => DIRECTING.iter().any(|role| ctx.has_role(role)),
        PrincipalKind::Connector | PrincipalKind::Customer => false,
    }
}

impl App {
    /// Refuses an agent who acts for another.
    pub(super) async fn may_act_as(&self, ctx: &Context, agent: AgentId) -> Result<(), Error> {
        if acts_for_others(ctx) {
            return Ok(());
        }
        let own = self.store().agent_of(ctx.tenant, &ctx.principal).await?;
        if own == Some(agent) {
            Ok(())
        } else {
            Err(Error::NotTheAgent)
        }
    }

    /// In whose name the caller works on tickets.
    pub(super) async fn actor(&self, ctx: &Context) -> Result<Actor, Error> {
        if acts_for_others(ctx) {
            return Ok(Actor::ForOthers);
        }
        let own = self.store().agent_of(ctx.tenant, &ctx.principal).await?;
        own.map(Actor::Agent).ok_or(Error::NotTheAgent)
    }

    /// Who is told to have changed a ticket: the agent that the caller is, or the caller.
    pub(super) async fn author(&self, ctx: &Context) -> Result<Author, Error> {
        let caller = ctx.originator();
        let agent = match ctx.kind {
            PrincipalKind::Staff => self.store().agent_of(ctx.tenant, caller).await?,
            _ => None,
        };
        Ok(agent.map_or_else(|| Author::Principal(caller.into()), Author::Agent))
    }

    /// The same, and what for. An actor that is known is not looked up again.
    pub(super) async fn said(
        &self,
        ctx: &Context,
        actor: Option<Actor>,
        reason: Personal,
    ) -> Result<By, Error> {
        let author = match actor {
            Some(Actor::Agent(agent)) => Author::Agent(agent),
            _ => self.author(ctx).await?,
        };
        Ok(By { author, reason })
    }
}

#[cfg(test)]
mod tests {
    use rapport_foundation::context::Claims;
    use rapport_foundation::id::TenantId;

    use super::*;

    #[test]
    fn only_who_directs_others_acts_for_them() {
        for (kind, roles, expected) in [
            (PrincipalKind::Staff, vec!["agent"], false),
            (PrincipalKind::Staff, vec!["agent", "supervisor"], true),
            (PrincipalKind::Staff, vec!["analyst"], false),
            (PrincipalKind::System, vec![], true),
            (PrincipalKind::System, vec!["agent"], false),
            (PrincipalKind::Connector, vec!["manager"], false),
        ] {
            let mut claims = Claims::new(TenantId::nil(), "someone", kind);
            claims.roles = roles.iter().map(|role| (*role).to_owned()).collect();
            assert_eq!(
                acts_for_others(&claims.into()),
                expected,
                "{kind:?} {roles:?}"
            );
        }
    }
}
