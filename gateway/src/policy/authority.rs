//! Who may give which rights away: nobody gives what they do not hold themselves.

use std::collections::BTreeMap;
use std::sync::Arc;

use rapport_foundation::context::{Context, PrincipalKind};
use rapport_foundation::id::TenantId;
use rapport_proto::options::v1::Role as HolderRole;

use super::{Policies, Roles, role_named};
use crate::error::Error;
use crate::protection::{Protection, Protections};

/// The role of whoever runs the installation.
const OPERATOR: &str = "operator";

/// The scopes that can be given, and which roles hold them.
#[derive(Debug, Clone)]
pub struct Authority {
    holders: Arc<BTreeMap<String, Vec<Roles>>>,
    protections: Protections,
}

impl Authority {
    /// Reads the scopes from the policies. Those of internal methods are nobody's to give.
    pub fn of(policies: &Policies, protections: Protections) -> Self {
        let mut scopes: BTreeMap<String, Vec<Roles>> = BTreeMap::new();
        for method in policies.all().filter(|method| !method.internal) {
            scopes
                .entry(method.scope.clone())
                .or_default()
                .push(method.roles);
        }
        Authority {
            holders: Arc::new(scopes),
            protections,
        }
    }

    /// Whether a scope can be given at all: known, and not of operators alone.
    pub fn is_grantable(&self, scope: &str) -> bool {
        let operators_only: Roles = [HolderRole::Operator].into_iter().collect();
        self.holders
            .get(scope)
            .is_some_and(|holders| holders.iter().any(|roles| *roles != operators_only))
    }

    /// Whether a role can be given at all.
    pub fn is_grantable_role(&self, name: &str) -> bool {
        role_named(name).is_some_and(|role| role != HolderRole::Operator)
    }

    /// Checks that a caller holds what they are about to give. Operators give what can be given: they make the tenants.
    ///
    /// # Errors
    /// [`Error::NotHeld`] with the first that they do not hold, or that nobody can give.
    pub fn check<'a>(
        &self,
        ctx: &Context,
        scopes: impl IntoIterator<Item = &'a String>,
        roles: impl IntoIterator<Item = &'a String>,
    ) -> Result<(), Error> {
        let operator = is_operator(ctx);
        let held = Roles::named(ctx.roles.iter().map(String::as_str));
        let may =
            |scope: &str| self.is_grantable(scope) && (operator || self.holds(ctx, held, scope));
        let may_role =
            |role: &str| self.is_grantable_role(role) && (operator || ctx.has_role(role));
        let scope = scopes.into_iter().find(|scope| !may(scope));
        let role = roles.into_iter().find(|role| !may_role(role));
        match scope.or(role) {
            Some(missing) if self.protections.on(Protection::Grant) => {
                Err(Error::NotHeld(missing.clone()))
            }
            _ => Ok(()),
        }
    }

    /// A role may hold a scope for some methods only; it is given for all of them, so it must be held for all.
    fn holds(&self, ctx: &Context, held: Roles, scope: &str) -> bool {
        ctx.has_scope(scope)
            || self
                .holders
                .get(scope)
                .is_some_and(|holders| holders.iter().all(|roles| roles.meets(held)))
    }
}

/// Whether a caller runs the installation: nobody inside a tenant does, whatever their credential says.
pub(crate) fn is_operator(ctx: &Context) -> bool {
    ctx.tenant == TenantId::nil() && ctx.kind == PrincipalKind::Operator && ctx.has_role(OPERATOR)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use rapport_foundation::context::Claims;

    use super::*;

    fn caller(kind: PrincipalKind, roles: &[&str], scopes: &[&str]) -> Context {
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let mut claims = Claims::new(TenantId::nil(), "x", kind);
        claims.roles = own(roles);
        claims.scopes = own(scopes);
        claims.into()
    }

    #[test]
    fn nobody_gives_what_they_do_not_hold_and_nobody_gives_what_is_the_operators() {
        let policies = Policies::read(rapport_proto::pool()).unwrap();
        let authority = Authority::of(&policies, Protections::default());
        let may = |ctx: &Context, scopes: &[&str], roles: &[&str]| {
            let own = |names: &[&str]| {
                names
                    .iter()
                    .map(|name| (*name).to_owned())
                    .collect::<Vec<_>>()
            };
            authority.check(ctx, &own(scopes), &own(roles)).is_ok()
        };
        let manager = caller(PrincipalKind::Staff, &["manager"], &["interactions.record"]);
        assert!(may(
            &manager,
            &["interactions.record", "access.keys"],
            &["manager"]
        ));
        assert!(!may(&manager, &["log.read"], &[]));
        assert!(!may(&manager, &[], &["connector"]));
        let operator = caller(PrincipalKind::Operator, &["operator"], &[]);
        assert!(may(
            &operator,
            &["log.read", "interactions.record"],
            &["connector"]
        ));
        let all = caller(
            PrincipalKind::Operator,
            &["operator"],
            &["access.manage", "log.watch"],
        );
        for ctx in [&manager, &operator, &all] {
            assert!(!may(ctx, &["access.manage"], &[]), "the operators' own");
            assert!(!may(ctx, &["log.watch"], &[]), "internal");
            assert!(!may(ctx, &["no.such.scope"], &[]) && !may(ctx, &[], &["operator"]));
        }
        // The kind alone makes nobody an operator.
        let named = caller(PrincipalKind::Operator, &["agent"], &[]);
        assert!(!may(&named, &["log.read"], &[]));
    }

    #[test]
    fn a_scope_that_a_role_holds_for_some_methods_only_is_not_the_roles_to_give() {
        let policies = Policies::read(rapport_proto::pool()).unwrap();
        let authority = Authority::of(&policies, Protections::default());
        // Agents add identifiers but do not delete customers, by the same scope.
        let agent = caller(PrincipalKind::Staff, &["agent"], &[]);
        let scope = ["profiles.write".to_owned()];
        assert!(authority.check(&agent, &scope, []).is_err());
        let supervisor = caller(PrincipalKind::Staff, &["supervisor"], &[]);
        assert!(authority.check(&supervisor, &scope, []).is_ok());
    }
}
