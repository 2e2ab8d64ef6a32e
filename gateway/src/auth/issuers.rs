//! The identity providers that are believed.

use rapport_foundation::http_client::HttpClient;
use rapport_foundation::id::TenantId;
use rapport_foundation::service::Task;
use tokio_util::sync::CancellationToken;

use super::jwks::{KeyRing, Source};
use crate::config::{Auth, ClaimNames, Issuer};
use crate::domain::identity::{API_KEYS, CONSOLE, SPIFFE};
use crate::error::OpenError;
use crate::protection::Protections;

/// The longest name of one, in bytes: revocations and bindings take no longer one.
const LONGEST: usize = 512;

/// An identity provider as it is trusted: its keys sign for it and for nobody else.
pub(super) struct TrustedIssuer {
    pub(super) issuer: String,
    pub(super) audiences: Vec<String>,
    /// The tenants it may speak for; none for all.
    pub(super) tenants: Vec<TenantId>,
    pub(super) names: ClaimNames,
    pub(super) keys: KeyRing,
}

/// Reads or begins to fetch the keys of all that are configured.
///
/// # Errors
/// The first setting or key file that cannot be used.
pub(super) async fn open(
    config: &Auth,
    http: &HttpClient,
    protections: Protections,
    shutdown: &CancellationToken,
) -> Result<(Vec<TrustedIssuer>, Vec<Task>), OpenError> {
    let mut issuers = Vec::new();
    let mut tasks = Vec::new();
    for (at, issuer) in config.issuers.iter().enumerate() {
        let refused = |problem| OpenError::setting(format!("auth.issuers[{at}]"), problem);
        if let Some(problem) = problem(issuer, &config.issuers[..at]) {
            return Err(refused(problem));
        }
        let source = Source::of(issuer, http).map_err(refused)?;
        let (keys, task) = KeyRing::open(source, config, protections, shutdown.clone()).await?;
        tasks.push(task);
        issuers.push(TrustedIssuer {
            issuer: issuer.issuer.clone(),
            audiences: issuer.audiences.clone(),
            tenants: issuer.tenants.clone(),
            names: issuer.claims.clone(),
            keys,
        });
    }
    Ok((issuers, tasks))
}

/// Why an issuer cannot be used behind those before it.
fn problem(issuer: &Issuer, before: &[Issuer]) -> Option<&'static str> {
    let name = issuer.issuer.as_str();
    if name.is_empty() || issuer.audiences.is_empty() {
        return Some("needs `issuer` and `audiences`");
    }
    if name.len() > LONGEST {
        return Some("has an `issuer` of more than 512 bytes");
    }
    if issuer.tenants.contains(&TenantId::nil()) {
        // It stands for no tenant: for operators of the installation.
        return Some("is bound to the id of nothing");
    }
    if [API_KEYS, CONSOLE].contains(&name) || name.starts_with(SPIFFE) {
        return Some("takes the name of another way in");
    }
    let known = before.iter().any(|known| known.issuer == name);
    known.then_some("names an issuer a second time")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Issuer {
        Issuer {
            issuer: name.into(),
            audiences: vec!["rapport".into()],
            jwks_url: None,
            jwks_file: None,
            tenants: Vec::new(),
            claims: ClaimNames::default(),
        }
    }

    #[test]
    fn an_issuer_has_a_name_of_its_own_an_audience_and_tenants_that_are_some() {
        let usable = named("https://id.example");
        assert_eq!(problem(&usable, &[]), None);
        assert_eq!(problem(&usable, &[named("https://other.example")]), None);
        assert_eq!(problem(&named(&"x".repeat(512)), &[]), None);
        let without_audience = Issuer {
            audiences: Vec::new(),
            ..named("https://id.example")
        };
        let of_nobody = Issuer {
            tenants: vec![TenantId::nil()],
            ..named("https://id.example")
        };
        for (unusable, word) in [
            (named(""), "needs"),
            (without_audience, "needs"),
            (named(&"x".repeat(513)), "512"),
            (of_nobody, "nothing"),
            (named(API_KEYS), "another way in"),
            (named(CONSOLE), "another way in"),
            (named(&format!("{SPIFFE}example.org")), "another way in"),
        ] {
            let told = problem(&unusable, &[]);
            assert!(told.is_some_and(|told| told.contains(word)), "{unusable:?}");
        }
        assert!(problem(&usable, std::slice::from_ref(&usable)).is_some());
    }
}
