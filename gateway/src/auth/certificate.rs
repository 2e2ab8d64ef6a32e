//! Certificates of clients: a SPIFFE id (one URI among the subject's alternative names) names the principal.
//!
//! The listener has verified the chain and the times; here the name is read, and what it stands for.

use aws_lc_rs::digest::{SHA256, digest};
use rapport_foundation::context::{Claims, Context, PrincipalKind};
use rapport_foundation::id::TenantId;
use rapport_foundation::time::Micros;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::Rejected;
use super::caller::{Caller, Evidence};
use crate::config::{Auth, CertificateGrant};
use crate::domain::identity::{Identity, SPIFFE};
use crate::domain::key_text::Hash;
use crate::error::OpenError;
use crate::policy::{Authority, Roles};
use crate::protection::{Protection, Protections};

/// What a connection's peer has shown of itself, verified by the listener.
#[derive(Debug)]
pub struct PeerCertificate {
    pub(super) hash: Hash,
    uris: Vec<String>,
    begins: Micros,
    ends: Micros,
}

impl PeerCertificate {
    /// Reads a certificate; None when it cannot be read, which one that was verified can.
    pub(crate) fn read(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let names = certificate.subject_alternative_name().ok()?;
        let names = names.map(|names| names.value.general_names.as_slice());
        let uri = |name: &GeneralName<'_>| match name {
            GeneralName::URI(uri) => Some((*uri).to_owned()),
            _ => None,
        };
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, der).as_ref());
        let times = certificate.validity();
        Some(PeerCertificate {
            hash,
            uris: names.unwrap_or_default().iter().filter_map(uri).collect(),
            begins: Micros::from_secs(times.not_before.timestamp()),
            ends: Micros::from_secs(times.not_after.timestamp()),
        })
    }
}

/// Which certificates are believed, and what they may do.
pub(super) struct Certificates {
    /// `spiffe://<trust domain>`.
    issuer: String,
    grants: Vec<CertificateGrant>,
    longest: std::time::Duration,
    protections: Protections,
}

impl Certificates {
    /// The settings, if certificates name principals at all.
    pub(super) fn of(
        config: &Auth,
        authority: &Authority,
        protections: Protections,
    ) -> Result<Option<Self>, OpenError> {
        let Some(config) = &config.certificates else {
            return Ok(None);
        };
        let wrong = |key: &str, problem: &str| {
            OpenError::setting(format!("auth.certificates.{key}"), problem)
        };
        let domain = &config.trust_domain;
        if domain.is_empty() || !domain.bytes().all(is_domain_byte) {
            return Err(wrong(
                "trust_domain",
                "is no trust domain such as example.org",
            ));
        }
        for grant in &config.grants {
            if !grant.path.starts_with("/tenant/") {
                return Err(wrong("grants", "needs paths that begin with /tenant/"));
            }
            let scopes = grant
                .scopes
                .iter()
                .all(|scope| authority.is_grantable(scope));
            let roles = grant
                .roles
                .iter()
                .all(|role| authority.is_grantable_role(role));
            if !scopes || !roles {
                return Err(wrong(
                    "grants",
                    "names a scope or role that cannot be given",
                ));
            }
        }
        Ok(Some(Certificates {
            issuer: format!("{SPIFFE}{domain}"),
            grants: config.grants.clone(),
            longest: std::time::Duration::from_secs(config.max_lifetime_seconds),
            protections,
        }))
    }

    /// The caller that a certificate names.
    pub(super) fn caller(&self, peer: &PeerCertificate, now: Micros) -> Result<Caller, Rejected> {
        let on = |one| self.protections.on(one);
        // A connection may outlive the certificate that it was opened with.
        if now >= peer.ends && on(Protection::Expiry) {
            return Err(Rejected::Expired);
        }
        if peer.ends.since(peer.begins) > self.longest && on(Protection::Lifetime) {
            return Err(Rejected::TooLongLived);
        }
        let id = match peer.uris.as_slice() {
            [id] => id,
            [id, ..] if !on(Protection::OneSpiffeId) => id,
            _ => return Err(Rejected::Certificate("not one SPIFFE id")),
        };
        let (domain, path) = parts(id).ok_or(Rejected::Certificate("not a SPIFFE id"))?;
        if domain != self.issuer && on(Protection::TrustDomain) {
            return Err(Rejected::Certificate("another trust domain"));
        }
        let (tenant, kind, connector) =
            principal(path).ok_or(Rejected::Certificate("not the path of a principal"))?;
        let (scopes, roles) = self.granted(path);
        let own = Context::from(Claims {
            tenant,
            principal: id.clone(),
            kind,
            roles: roles.clone(),
            scopes,
            connector,
            on_behalf_of: None,
            token_expires: Some(peer.ends),
        });
        Ok(Caller {
            context: own.clone(),
            roles: Roles::named(roles.iter().map(String::as_str)),
            expires: peer.ends,
            identity: Identity::new(self.issuer.clone(), id.clone()),
            own,
            evidence: Evidence::Issued {
                token_id: None,
                at: peer.begins,
            },
        })
    }

    /// Scopes and roles of every grant whose path is the beginning of this one.
    fn granted(&self, path: &str) -> (Vec<String>, Vec<String>) {
        let (mut scopes, mut roles) = (Vec::new(), Vec::new());
        for grant in self.grants.iter().filter(|grant| begins(path, &grant.path)) {
            scopes.extend(grant.scopes.iter().cloned());
            roles.extend(grant.roles.iter().cloned());
        }
        for names in [&mut scopes, &mut roles] {
            names.sort_unstable();
            names.dedup();
        }
        (scopes, roles)
    }
}

/// `spiffe://<trust domain>` and the path behind it.
fn parts(id: &str) -> Option<(&str, &str)> {
    let rest = id.strip_prefix(SPIFFE)?;
    Some(id.split_at(SPIFFE.len() + rest.find('/')?))
}

/// `/tenant/<ten_…>/connector/<name>` or `/tenant/<ten_…>/system/<name>`.
fn principal(path: &str) -> Option<(TenantId, PrincipalKind, Option<String>)> {
    let parts: Vec<&str> = path.split('/').collect();
    let ["", "tenant", tenant, kind, name] = parts.as_slice() else {
        return None;
    };
    let tenant = tenant.parse().ok().filter(|id| *id != TenantId::nil())?;
    let is_name = (1..=64).contains(&name.len()) && name.bytes().all(is_name_byte);
    match (*kind, is_name) {
        ("connector", true) => Some((tenant, PrincipalKind::Connector, Some((*name).to_owned()))),
        ("system", true) => Some((tenant, PrincipalKind::System, None)),
        _ => None,
    }
}

/// Whether a path begins with a pattern, part by part; `*` stands for any one part.
fn begins(path: &str, pattern: &str) -> bool {
    let mut parts = path.split('/');
    pattern.trim_end_matches('/').split('/').all(|wanted| {
        parts
            .next()
            .is_some_and(|part| wanted == "*" || wanted == part)
    })
}

/// What SPIFFE allows in a path.
fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

fn is_domain_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_a_tenants_connector_or_system_and_nothing_else() {
        let tenant = TenantId::new(Micros(1));
        let connector = principal(&format!("/tenant/{tenant}/connector/shop"));
        let expected = (tenant, PrincipalKind::Connector, Some("shop".to_owned()));
        assert_eq!(connector, Some(expected));
        let system = principal(&format!("/tenant/{tenant}/system/crm-2.a"));
        assert_eq!(system, Some((tenant, PrincipalKind::System, None)));
        for other in [
            format!("/tenant/{tenant}/operator/x"),
            format!("/tenant/{tenant}/connector/"),
            format!("/tenant/{tenant}/connector/a b"),
            format!("/tenant/{tenant}/connector/a/b"),
            format!("/tenant/{}/connector/a", TenantId::nil()),
            format!("tenant/{tenant}/connector/a"),
            "/tenant/x/connector/a".to_owned(),
            format!("/tenant/{tenant}/connector/{}", "a".repeat(65)),
            "/".to_owned(),
        ] {
            assert_eq!(principal(&other), None, "{other}");
        }
    }

    #[test]
    fn a_grant_is_for_paths_below_its_own() {
        assert!(begins("/tenant/a/connector/x", "/tenant/*/connector/"));
        assert!(begins("/tenant/a/connector/x", "/tenant/a"));
        assert!(!begins("/tenant/ab/connector/x", "/tenant/a"));
        assert!(!begins("/tenant/a/connectors/x", "/tenant/*/connector"));
        assert!(!begins("/tenant/a/system/x", "/tenant/*/connector"));
        assert!(!begins("/tenant/a", "/tenant/a/connector"));
    }
}
