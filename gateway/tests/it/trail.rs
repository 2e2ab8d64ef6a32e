//! The trail in the database: who alters it is found.

use std::time::Duration;

use rapport_foundation::context::PrincipalKind;
use rapport_foundation::db::Error;
use rapport_foundation::id::{AnyId, CustomerId, TenantId};
use rapport_foundation::role::Role;
use rapport_foundation::testing::{Engine, TestDatabase, TestEnv, on_every_engine};
use rapport_foundation::time::{Clock, Micros};
use rapport_gateway::domain::audit::{Call, Chain, Entry};
use rapport_gateway::migrations;
use rapport_gateway::store::audit::Audit;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, Statement};
use uuid::Uuid;

/// Somebody with every right over the database.
pub(crate) struct Tamperer(DatabaseConnection);

impl Tamperer {
    pub(crate) async fn of(database: &TestDatabase) -> Self {
        let url = match &database.engine {
            Engine::Sqlite => database.config.url.clone(),
            Engine::Postgres { admin_url } => {
                let mut url = url::Url::parse(admin_url).unwrap();
                let of = url::Url::parse(&database.config.url).unwrap();
                url.set_path(of.path());
                url.into()
            }
        };
        let mut options = sea_orm::ConnectOptions::new(url);
        options.max_connections(1).sqlx_logging(false);
        Self(sea_orm::Database::connect(options).await.unwrap())
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "plays somebody who may do everything"
    )]
    pub(crate) async fn run(&self, sql: &str) {
        self.0.execute_unprepared(sql).await.unwrap();
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "plays somebody who may do everything"
    )]
    pub(crate) async fn count(&self, sql: &str) -> i64 {
        let statement = Statement::from_string(self.0.get_database_backend(), sql);
        let row = self.0.query_one_raw(statement).await.unwrap().unwrap();
        row.try_get("", "count").unwrap()
    }

    /// Takes the engine's own protection away.
    pub(crate) async fn unlock(&self) {
        for table in ["audit_entries", "audit_resources", "audit_anchors"] {
            if self.0.get_database_backend() == DbBackend::Postgres {
                self.run(&format!("alter table {table} disable trigger user"))
                    .await;
                continue;
            }
            for verb in ["update", "delete"] {
                self.run(&format!("drop trigger {table}_no_{verb}")).await;
            }
        }
    }
}

pub(crate) fn call(tenant: TenantId, n: i64) -> Call {
    Call {
        tenant,
        at: Micros(1_800_000_000_000_000 + n),
        duration_us: 5,
        issuer: "https://id.example.com/".into(),
        principal: format!("agent {n}"),
        kind: PrincipalKind::Staff,
        on_behalf_of: String::new(),
        method: "rapport.profiles.v1.CustomerService/GetCustomer".into(),
        outcome: 0,
        resources: vec![AnyId::parse(&CustomerId::new(Micros(n)).to_string()).unwrap()],
        resource_count: 1,
        untold: false,
        request_id: "x".into(),
        trace_id: String::new(),
    }
}

/// A chain of so many entries, anchored at its beginning and its end.
async fn written(audit: &Audit, tenant: TenantId, count: i64) -> Chain {
    written_until(audit, tenant, count, Micros(2)).await
}

async fn written_until(audit: &Audit, tenant: TenantId, count: i64, end: Micros) -> Chain {
    let mut chain = Chain::new(Uuid::now_v7());
    audit.anchor(chain.replica, Micros(1)).await.unwrap();
    let entries: Vec<Entry> = (1..=count).map(|n| chain.append(call(tenant, n))).collect();
    audit.append(&entries).await.unwrap();
    audit.anchor(chain.replica, end).await.unwrap();
    chain
}

async fn breaches(t: &TestEnv) -> Vec<String> {
    breaches_at(t, 0, Micros(3)).await
}

/// What is told of a trail that is kept for so many days.
pub(crate) async fn breaches_at(t: &TestEnv, keep_days: u32, now: Micros) -> Vec<String> {
    let config = rapport_gateway::Audit {
        keep_days,
        ..rapport_gateway::Audit::default()
    };
    let found = rapport_gateway::verify(&t.db, &config, now).await.unwrap();
    found.into_iter().map(|breach| breach.what).collect()
}

/// What somebody does to the trail, and what is said about it.
const TAMPERINGS: &[(&str, &str)] = &[
    (
        "update audit_entries set principal = 'somebody else' where seq = 3",
        "entry 3 is not what was written",
    ),
    (
        "update audit_entries set issuer = 'https://other.example.com/' where seq = 3",
        "entry 3 is not what was written",
    ),
    (
        "update audit_entries set issuer = '' where seq = 2",
        "entry 2 is not what was written",
    ),
    (
        "update audit_entries set outcome = 7 where seq = 1",
        "entry 1 is not what was written",
    ),
    (
        "update audit_entries set kind = 99 where seq = 2",
        "entry 2 is not what was written",
    ),
    (
        "update audit_entries set resources = '' where seq = 2",
        "entry 2 is not what was written",
    ),
    (
        "delete from audit_entries where seq = 3",
        "entries 3 to 3 are missing",
    ),
    (
        "delete from audit_entries where seq >= 4",
        "entries 4 to 5 are missing",
    ),
    ("delete from audit_entries", "entries 1 to 5 are missing"),
    (
        "delete from audit_resources where seq = 2",
        "entry 2 is not found by all the resources it names",
    ),
    (
        "delete from audit_anchors where n = 1",
        "anchors 1 to 1 are missing",
    ),
    (
        "update audit_anchors set seq = 3 where n = 2",
        "anchor 2 is not what was written",
    ),
    (
        "insert into audit_entries select tenant_id, at, replica_id, 6, duration_us, principal, kind, on_behalf_of, method, \
         outcome, resources, resource_count, untold, request_id, trace_id, hash, issuer from audit_entries where seq = 5",
        "entry 6 is not what was written",
    ),
];

#[tokio::test]
async fn an_altered_a_removed_and_an_inserted_row_are_found() {
    for (sql, says) in TAMPERINGS {
        on_every_engine(Role::Gateway, migrations, async |t| {
            let tenant = TenantId::new(Micros(1));
            written(&Audit::new(t.db.clone()), tenant, 5).await;
            assert_eq!(breaches(&t).await, Vec::<String>::new());
            let tamperer = Tamperer::of(&t.database).await;
            tamperer.unlock().await;
            tamperer.run(sql).await;
            let found = breaches(&t).await;
            assert!(
                found.iter().any(|what| what.contains(says)),
                "{sql}: {found:?}"
            );
        })
        .await;
    }
}

/// The hash of an entry as it was written before issuers were noted.
const WITHOUT_ISSUER: &str = "4ec2e2dc4b019029d599ed0e27db16d1903499dd3d997d20d743cc6fedb8444d";

#[tokio::test]
async fn entries_of_before_issuers_were_noted_still_hold_and_can_be_told_from_altered_ones() {
    on_every_engine(Role::Gateway, migrations, async |t| {
        let audit = Audit::new(t.db.clone());
        let tenant = TenantId::from_uuid(Uuid::from_u128(1));
        let mut chain = Chain::new(Uuid::from_u128(2));
        audit.anchor(chain.replica, Micros(1)).await.unwrap();
        let customer = CustomerId::from_uuid(Uuid::from_u128(3)).to_string();
        let of_before = Call {
            issuer: String::new(),
            resources: vec![AnyId::parse(&customer).unwrap()],
            ..call(tenant, 1)
        };
        let of_before = chain.append(of_before);
        assert_eq!(format!("{:?}", of_before.hash), WITHOUT_ISSUER);
        let of_now = chain.append(call(tenant, 2));
        audit.append(&[of_before, of_now]).await.unwrap();
        audit.anchor(chain.replica, Micros(2)).await.unwrap();
        assert_eq!(breaches(&t).await, Vec::<String>::new());
        let tamperer = Tamperer::of(&t.database).await;
        tamperer.unlock().await;
        tamperer
            .run("update audit_entries set issuer = 'https://id.example.com/' where seq = 1")
            .await;
        let found = breaches(&t).await;
        assert!(
            found[0].contains("entry 1 is not what was written"),
            "{found:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn entries_of_a_process_that_never_started_are_found() {
    on_every_engine(Role::Gateway, migrations, async |t| {
        let audit = Audit::new(t.db.clone());
        let tenant = TenantId::new(Micros(1));
        written(&audit, tenant, 2).await;
        // A forger who knows how chains are made, and has no anchor.
        let mut forged = Chain::new(Uuid::now_v7());
        let entry = forged.append(call(tenant, 9));
        audit.append(&[entry]).await.unwrap();
        let found = breaches(&t).await;
        assert!(
            found.iter().any(|what| what.contains("never started")),
            "{found:?}"
        );
    })
    .await;
}

/// Whoever writes a chain anew has to write every anchor anew, also those of others.
#[tokio::test]
async fn a_chain_that_was_written_anew_does_not_fit_its_anchors() {
    on_every_engine(Role::Gateway, migrations, async |t| {
        let audit = Audit::new(t.db.clone());
        let tenant = TenantId::new(Micros(1));
        let chain = written(&audit, tenant, 3).await;
        let tamperer = Tamperer::of(&t.database).await;
        tamperer.unlock().await;
        tamperer.run("delete from audit_resources").await;
        tamperer.run("delete from audit_entries").await;
        let mut anew = Chain::new(chain.replica);
        let entries: Vec<Entry> = (1..=3)
            .map(|n| {
                anew.append(Call {
                    principal: "nobody".into(),
                    ..call(tenant, n)
                })
            })
            .collect();
        audit.append(&entries).await.unwrap();
        let found = breaches(&t).await;
        assert!(
            found
                .iter()
                .any(|what| what.contains("not the one that was anchored")),
            "{found:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn the_engine_refuses_to_change_or_to_delete() {
    on_every_engine(Role::Gateway, migrations, async |t| {
        let audit = Audit::new(t.db.clone());
        let now = Clock::system().now();
        // Anchored long ago at its beginning, and now at its end: young.
        written_until(&audit, TenantId::new(Micros(1)), 2, now).await;
        for table in ["audit_entries", "audit_resources", "audit_anchors"] {
            for sql in [
                format!("update {table} set seq = 7 where seq > 0"),
                format!("delete from {table} where seq > 0"),
            ] {
                let sql = sql.as_str();
                let done =
                    t.db.system_write(|s| async move { s.raw_exec(sql, []).await })
                        .await;
                assert!(matches!(done, Err(Error::Engine(_))), "{sql}: {done:?}");
            }
        }
        assert_eq!(breaches(&t).await, Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
async fn what_a_killed_process_left_unanchored_is_anchored_by_another() {
    on_every_engine(Role::Gateway, migrations, async |t| {
        let audit = Audit::new(t.db.clone());
        let tenant = TenantId::new(Micros(1));
        let mut killed = written(&audit, tenant, 2).await;
        let entry = killed.append(call(tenant, 3));
        audit.append(&[entry]).await.unwrap();
        audit.anchor(Uuid::now_v7(), Micros(3)).await.unwrap();
        let tamperer = Tamperer::of(&t.database).await;
        tamperer.unlock().await;
        tamperer
            .run("delete from audit_resources where seq = 3")
            .await;
        tamperer
            .run("delete from audit_entries where seq = 3")
            .await;
        let found = breaches(&t).await;
        assert!(
            found
                .iter()
                .any(|what| what.contains("entries 3 to 3 are missing")),
            "{found:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn processes_that_anchor_at_the_same_moment_make_one_chain() {
    on_every_engine(Role::Gateway, migrations, async |t| {
        let audit = Audit::new(t.db.clone());
        let writers = (0..8).map(|_| {
            let audit = audit.clone();
            tokio::spawn(async move {
                let replica = Uuid::now_v7();
                let anchored = async {
                    // Lost a race more often than one call tries: the writer comes again, too.
                    while audit.anchor(replica, Micros(1)).await.is_err() {}
                };
                tokio::time::timeout(Duration::from_secs(30), anchored)
                    .await
                    .unwrap();
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
        let tamperer = Tamperer::of(&t.database).await;
        assert_eq!(
            tamperer
                .count("select count(*) as count from audit_anchors")
                .await,
            8
        );
        assert_eq!(breaches(&t).await, Vec::<String>::new());
    })
    .await;
}
