//! From the claims of a verified token to a caller.

use std::time::Duration;

use rapport_foundation::context::{Claims, Context, PrincipalKind};
use rapport_foundation::id::TenantId;
use rapport_foundation::time::Micros;
use rapport_proto::options::v1::Role as HolderRole;
use serde_json::Value;

use super::caller::{Caller, Evidence};
use super::jwt::Members;
use super::{Rejected, TrustedIssuer};
use crate::config::{Auth, ClaimNames};
use crate::domain::identity::Identity;
use crate::policy::Roles;
use crate::protection::{Protection, Protections};

/// Most roles or scopes a token may name.
const MOST_NAMES: usize = 256;

/// What is demanded of the times in a token.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    leeway: Duration,
    longest: Duration,
    protections: Protections,
}

impl Rules {
    pub(super) fn of(config: &Auth, protections: Protections) -> Self {
        Rules {
            leeway: Duration::from_secs(config.leeway_seconds),
            longest: Duration::from_secs(config.max_lifetime_seconds),
            protections,
        }
    }
}

/// Checks the claims and makes a caller of them.
pub(super) fn read(
    claims: Members,
    issuer: &TrustedIssuer,
    rules: &Rules,
    now: Micros,
) -> Result<Caller, Rejected> {
    let on = |protection| rules.protections.on(protection);
    // Some providers sign id and refresh tokens with the same keys and tell them apart only here.
    if let Some(kind) = claims.text("typ")
        && ["id", "refresh", "offline", "logout"].contains(&kind.to_ascii_lowercase().as_str())
        && on(Protection::TokenKind)
    {
        return Err(Rejected::NotAccessToken);
    }
    let names = &issuer.names;
    if !is_ours(&claims, &issuer.audiences) && on(Protection::Audience) {
        return Err(Rejected::AudienceForeign);
    }
    let (expires, issued) = check_times(&claims, rules, now)?;
    let subject = claims.text("sub").filter(|subject| is_name(subject, 255));
    if subject.is_none() && on(Protection::Subject) {
        return Err(Rejected::Claim("sub"));
    }
    let principal = subject.unwrap_or_default().to_owned();
    let roles = list(&claims, &names.roles, "roles")?;
    let scopes = list(&claims, &names.scope, "scope")?;
    let held = Roles::named(roles.iter().map(String::as_str));

    let tenant = match claims.get(&names.tenant) {
        Some(Value::String(text)) => text
            .parse()
            .ok()
            .filter(|tenant| *tenant != TenantId::nil()),
        // Whoever runs the installation creates the tenants, the first one too. Nobody can claim to stand
        // outside: that follows from the role and from the claim that is not there.
        None if held.holds(HolderRole::Operator) => Some(TenantId::nil()),
        _ if !on(Protection::TenantClaim) => Some(TenantId::nil()),
        _ => None,
    };
    let tenant = tenant.ok_or(Rejected::Claim("tenant"))?;
    let spoken_for = issuer.tenants.is_empty() || issuer.tenants.contains(&tenant);
    if !spoken_for && on(Protection::TenantClaim) {
        return Err(Rejected::TenantForeign);
    }
    let connector = match claims.get(&names.connector) {
        Some(Value::String(text)) if is_name(text, 64) => Some(text.clone()),
        None => None,
        _ => return Err(Rejected::Claim("connector")),
    };
    let kind = kind(&claims, names, connector.as_deref(), held, rules)?;
    if kind == PrincipalKind::Connector && connector.is_none() {
        return Err(Rejected::Claim("connector"));
    }
    let token_id = match claims.get("jti") {
        Some(Value::String(text)) if is_name(text, 255) => Some(text.as_str().into()),
        None => None,
        _ => return Err(Rejected::Claim("jti")),
    };
    let identity = Identity::new(issuer.issuer.clone(), principal.clone());
    let own = Context::from(Claims {
        tenant,
        principal,
        kind,
        roles,
        scopes,
        connector,
        on_behalf_of: None,
        token_expires: Some(expires),
    });
    Ok(Caller {
        context: own.clone(),
        roles: held,
        expires,
        identity,
        own,
        evidence: Evidence::Issued {
            token_id,
            at: issued,
        },
    })
}

fn is_ours(claims: &Members, audiences: &[String]) -> bool {
    let ours = |value: &Value| {
        value
            .as_str()
            .is_some_and(|text| audiences.iter().any(|known| known == text))
    };
    match claims.get("aud") {
        Some(Value::Array(values)) => values.iter().any(ours),
        Some(value) => ours(value),
        None => false,
    }
}

/// Gives the moment from which the token is no longer accepted, leeway included, and when it was issued.
fn check_times(claims: &Members, rules: &Rules, now: Micros) -> Result<(Micros, Micros), Rejected> {
    let on = |protection| rules.protections.on(protection);
    let expires = match time(claims, "exp")? {
        None if !on(Protection::Expiry) => now,
        expires => expires.ok_or(Rejected::Claim("exp"))?,
    };
    let begins = time(claims, "nbf")?;
    // A revocation is kept for as long as what was issued before it can be valid. Of a token that does not say when that was
    // nobody could tell whether it was revoked once.
    let issued = match time(claims, "iat")? {
        None if !on(Protection::IssueTime) => now,
        issued => issued.ok_or(Rejected::Claim("iat"))?,
    };
    let latest_start = now + rules.leeway;
    let early = begins.is_some_and(|at| at > latest_start) || issued > latest_start;
    if early && on(Protection::NotBefore) {
        return Err(Rejected::TooEarly);
    }
    let long = expires.since(issued) > rules.longest;
    if long && on(Protection::Lifetime) {
        return Err(Rejected::TooLongLived);
    }
    let end = expires + rules.leeway;
    if now >= end && on(Protection::Expiry) {
        return Err(Rejected::Expired);
    }
    Ok((end, issued))
}

/// A NumericDate: seconds since 1970, a fraction is cut off.
fn time(claims: &Members, name: &'static str) -> Result<Option<Micros>, Rejected> {
    /// The year 9999; beyond it a number is a mistake or an attack.
    const LATEST: f64 = 253_402_300_799.0;
    let Some(value) = claims.get(name) else {
        return Ok(None);
    };
    let seconds = value
        .as_f64()
        .filter(|seconds| (0.0..=LATEST).contains(seconds));
    let seconds = seconds.ok_or(Rejected::Claim(name))?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the range was checked a line above"
    )]
    Ok(Some(Micros::from_secs(seconds as i64)))
}

/// Names as a list, or as one string with spaces; sorted, each once.
fn list(claims: &Members, claim: &str, name: &'static str) -> Result<Vec<String>, Rejected> {
    let mut names: Vec<String> = match claims.get(claim) {
        None => Vec::new(),
        Some(Value::String(text)) => text.split_ascii_whitespace().map(str::to_owned).collect(),
        Some(Value::Array(values)) => values
            .iter()
            .map(|value| {
                value
                    .as_str()
                    .map(str::to_owned)
                    .ok_or(Rejected::Claim(name))
            })
            .collect::<Result<_, _>>()?,
        Some(_) => return Err(Rejected::Claim(name)),
    };
    if names.len() > MOST_NAMES || names.iter().any(|text| !is_name(text, 128)) {
        return Err(Rejected::Claim(name));
    }
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

fn kind(
    claims: &Members,
    names: &ClaimNames,
    connector: Option<&str>,
    roles: Roles,
    rules: &Rules,
) -> Result<PrincipalKind, Rejected> {
    match claims.get(&names.kind).map(Value::as_str) {
        Some(Some("staff")) => Ok(PrincipalKind::Staff),
        Some(Some("system")) => Ok(PrincipalKind::System),
        Some(Some("connector")) => Ok(PrincipalKind::Connector),
        Some(Some("customer")) => Ok(PrincipalKind::Customer),
        Some(Some("operator")) => Ok(PrincipalKind::Operator),
        Some(Some("service")) if !rules.protections.on(Protection::PrincipalKind) => {
            Ok(PrincipalKind::Service)
        }
        // `service` among them: no token from outside makes anybody a service of the suite.
        Some(_) => Err(Rejected::Claim("kind")),
        None if connector.is_some() => Ok(PrincipalKind::Connector),
        None if roles.holds(HolderRole::Operator) => Ok(PrincipalKind::Operator),
        None if roles.holds(HolderRole::EndCustomer) => Ok(PrincipalKind::Customer),
        None => Ok(PrincipalKind::Staff),
    }
}

fn is_name(text: &str, most: usize) -> bool {
    !text.is_empty() && text.chars().count() <= most && !text.chars().any(char::is_control)
}
