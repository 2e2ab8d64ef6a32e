//! Key sets that change while tokens of them are in use.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rapport_foundation::testing::eventually;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::fixture::Plan;
use crate::tokens::{Key, set};

/// An identity provider's key endpoint.
#[derive(Clone)]
pub(crate) struct Provider {
    /// What it answers, and with which status; without a set it is an error of its own.
    set: Arc<Mutex<(u16, Option<String>)>>,
    pub(crate) asked: Arc<AtomicUsize>,
    url: String,
}

impl Provider {
    pub(crate) async fn start(set: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let provider = Provider {
            set: Arc::new(Mutex::new((200, Some(set)))),
            asked: Arc::default(),
            url: format!("http://{}/jwks", listener.local_addr().unwrap()),
        };
        let this = provider.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                this.asked.fetch_add(1, Ordering::SeqCst);
                let (status, set) = this.set.lock().unwrap().clone();
                let body = set.unwrap_or_default();
                let answer = format!(
                    "HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        provider
    }

    pub(crate) fn publish(&self, set: Option<String>) {
        let status = if set.is_some() { 200 } else { 500 };
        self.answer(status, set);
    }

    fn answer(&self, status: u16, set: Option<String>) {
        *self.set.lock().unwrap() = (status, set);
    }

    fn plan(&self, key: Key) -> Plan {
        self.planned(key, Plan::default())
    }

    /// A gateway that takes its keys from here.
    pub(crate) fn planned(&self, key: Key, mut plan: Plan) -> Plan {
        plan.keys = vec![key];
        plan.jwks_url = Some(self.url.clone());
        plan.config.http_client.allow_private_addresses = true;
        plan
    }
}

#[tokio::test]
async fn a_rotated_key_is_taken_up_and_the_old_one_put_away_without_a_restart() {
    let (old, new) = (Key::es256("old"), Key::es256("new"));
    let provider = Provider::start(set(&[&old])).await;
    let mut plan = provider.plan(old);
    plan.config.auth.jwks_floor_seconds = 0;
    let fixture = plan.open().await;
    let (old_token, new_token) = (fixture.token(), new.token(&fixture.claims()));
    assert_eq!(fixture.code(&old_token).await, "0");

    provider.publish(Some(set(&[&new])));
    // The first call with the new key only asks for the set; it does not wait for it.
    eventually("the new key is known", async || {
        (fixture.code(&new_token).await == "0").then_some(())
    })
    .await;
    assert_eq!(
        fixture.code(&old_token).await,
        "16",
        "verified before, but under a key that is gone"
    );

    provider.publish(None);
    let stranger = Key::es256("stranger").token(&fixture.claims());
    let asked = provider.asked.load(Ordering::SeqCst);
    eventually("the provider fails once", async || {
        assert_eq!(fixture.code(&stranger).await, "16");
        (provider.asked.load(Ordering::SeqCst) > asked).then_some(())
    })
    .await;
    assert_eq!(
        fixture.code(&new_token).await,
        "0",
        "the last good set stays"
    );
}

#[tokio::test]
async fn unknown_key_ids_do_not_become_a_flood_at_the_provider() {
    let key = Key::es256("only");
    let provider = Provider::start(set(&[&key])).await;
    let fixture = provider.plan(key).open().await;
    for at in 0..200 {
        let token = Key::es256(&format!("made-up-{at}")).token(&fixture.claims());
        assert_eq!(fixture.code(&token).await, "16");
    }
    assert_eq!(
        provider.asked.load(Ordering::SeqCst),
        1,
        "only at the start"
    );
}

#[tokio::test]
async fn a_provider_that_is_down_at_the_start_keeps_nobody_from_starting() {
    let key = Key::es256("only");
    let provider = Provider::start(set(&[&key])).await;
    provider.publish(None);
    let fixture = provider.plan(key).open().await;
    assert_eq!(fixture.code(&fixture.token()).await, "16");
    let set = set(&[&fixture.key]);
    provider.publish(Some(set));
    eventually("the set was read", async || {
        (fixture.code(&fixture.token()).await == "0").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_set_that_comes_with_an_error_is_not_one() {
    let (old, new) = (Key::es256("old"), Key::es256("new"));
    let provider = Provider::start(set(&[&old])).await;
    let mut plan = provider.plan(old);
    plan.config.auth.jwks_floor_seconds = 0;
    let fixture = plan.open().await;
    let new_token = new.token(&fixture.claims());
    provider.answer(404, Some(set(&[&new])));
    let asked = provider.asked.load(Ordering::SeqCst);
    // Twice: by then the first answer was read.
    eventually("the provider is asked", async || {
        assert_eq!(fixture.code(&new_token).await, "16");
        (provider.asked.load(Ordering::SeqCst) > asked + 1).then_some(())
    })
    .await;
    assert_eq!(fixture.code(&new_token).await, "16");
}

#[tokio::test]
async fn a_set_that_could_not_be_read_for_too_long_is_dropped() {
    let key = Key::es256("only");
    let provider = Provider::start(set(&[&key])).await;
    let mut plan = provider.plan(key);
    plan.config.auth.jwks_refresh_seconds = 1;
    plan.config.auth.jwks_keep_seconds = 0;
    let fixture = plan.open().await;
    assert_eq!(fixture.code(&fixture.token()).await, "0");
    provider.publish(None);
    eventually("the old keys are believed no more", async || {
        (fixture.code(&fixture.token()).await == "16").then_some(())
    })
    .await;
    provider.publish(Some(set(&[&fixture.key])));
    eventually("they are read again", async || {
        (fixture.code(&fixture.token()).await == "0").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_set_that_is_a_file_is_read_again() {
    let mut plan = Plan::default();
    plan.config.auth.jwks_refresh_seconds = 1;
    let fixture = plan.open().await;
    let new = Key::eddsa("new");
    let token = new.token(&fixture.claims());
    assert_eq!(fixture.code(&token).await, "16");
    std::fs::write(fixture.folder.path().join("jwks.json"), set(&[&new])).unwrap();
    eventually("the file was read", async || {
        (fixture.code(&token).await == "0").then_some(())
    })
    .await;
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_at_the_start() {
    use rapport_foundation::config::Secret;
    use rapport_foundation::id::TenantId;
    use rapport_foundation::role::Role;
    use rapport_foundation::service::Readiness;
    use rapport_foundation::testing::{Engine, House};
    use rapport_foundation::time::Clock;
    use rapport_gateway::{Config, Issuer, migrations, open};

    let house = House::new(Clock::system());
    let env = house.env(&Engine::Sqlite, Role::Gateway, migrations).await;
    let readiness = Readiness::starting().await;
    let issuer = |file: Option<&str>, url: Option<&str>| Issuer {
        issuer: "https://id.example.com/".into(),
        audiences: vec!["rapport".into()],
        jwks_file: file.map(Into::into),
        jwks_url: url.map(Into::into),
        tenants: Vec::new(),
        claims: rapport_gateway::ClaimNames::default(),
    };
    type Change = Box<dyn Fn(&mut Config)>;
    let cases: [(&str, Change); 9] = [
        (
            "auth.development_secret",
            Box::new(|c| c.auth.development_secret = Some(Secret::new("short"))),
        ),
        (
            "auth.issuers[0]",
            Box::new(move |c| c.auth.issuers = vec![issuer(None, None)]),
        ),
        (
            "auth.issuers[0]",
            Box::new(move |c| c.auth.issuers = vec![issuer(Some("a"), Some("b"))]),
        ),
        (
            "auth.issuers[0]: is bound to the id of nothing",
            Box::new(move |c| {
                let mut bound = issuer(Some("/nowhere/jwks.json"), None);
                bound.tenants = vec![TenantId::nil()];
                c.auth.issuers = vec![bound];
            }),
        ),
        (
            "/nowhere/jwks.json",
            Box::new(move |c| c.auth.issuers = vec![issuer(Some("/nowhere/jwks.json"), None)]),
        ),
        (
            "limits.message_bytes",
            Box::new(|c| c.limits.message_bytes = u32::MAX),
        ),
        ("limits.connections", Box::new(|c| c.limits.connections = 0)),
        ("limits.headers", Box::new(|c| c.limits.headers = 0)),
        (
            "limits.connection_age_ms",
            Box::new(|c| c.limits.connection_age_ms = 0),
        ),
    ];
    for (named, change) in cases {
        let mut config = Config::default();
        change(&mut config);
        let Err(refused) = open(env.env.clone(), config, &readiness).await else {
            panic!("{named} was accepted");
        };
        assert!(refused.to_string().contains(named), "{refused}");
    }
}
