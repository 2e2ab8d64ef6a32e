//! What happens to calls while the trail cannot be written.

use std::time::Duration;

use rapport_foundation::service::{DrainConfig, Stopped, Task, run};
use rapport_foundation::testing::engines;
use rapport_gateway::Audit;
use rapport_proto::access::v1::audit_service_client::AuditServiceClient;
use rapport_proto::access::v1::tenant_service_client::TenantServiceClient;
use rapport_proto::access::v1::{AuditEntry, GetTenantRequest, ListAuditEntriesRequest};
use tonic::Code;
use tonic_types::StatusExt as _;

use super::{channel, entries, is_whole, manager, with};
use crate::fixture::{Client, Fixture, Plan, Way};
use crate::trail::Tamperer;
use crate::upstream::UNARY;

#[tokio::test]
async fn what_cannot_be_audited_is_refused_before_it_is_handed_on() {
    let mut plan = Plan::default();
    plan.config.audit = Audit {
        queue: 2,
        ..Audit::default()
    };
    let mut fixture = plan.open().await;
    let client = fixture.client(&fixture.token()).await;
    let waiting = two_waiting(&fixture, &client).await;
    let refused = client.unary(UNARY, "hello").await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    let details = refused.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, "NOT_AUDITABLE");
    assert!(details.retry_info().unwrap().retry_delay.is_some());
    assert_eq!(fixture.upstream.calls(), 2, "it was handed on");
    // What is not audited needs no place.
    let get = GetTenantRequest {
        tenant_id: fixture.tenant.to_string(),
    };
    let mut tenants = TenantServiceClient::new(channel(&fixture));
    tenants
        .get_tenant(with(&fixture, &manager(&fixture), get))
        .await
        .unwrap();

    for call in waiting {
        call.abort();
        fixture.dropped.recv().await.unwrap();
    }
    let places_again = async {
        while client.unary(UNARY, "hello").await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), places_again)
        .await
        .unwrap();
}

#[tokio::test]
async fn while_the_database_is_away_calls_go_on_until_the_queue_is_full_and_none_is_lost() {
    for engine in engines() {
        let mut plan = Plan {
            engine,
            ..Plan::default()
        };
        plan.config.audit = Audit {
            queue: 8,
            batch: 4,
            gather_ms: 0,
            ..Audit::default()
        };
        let fixture = plan.open().await;
        let client = fixture.client(&fixture.token()).await;
        client.unary(UNARY, "before").await.unwrap();
        entries(&fixture, 1).await;

        let database = Tamperer::of(&fixture.env.database).await;
        database
            .run("alter table audit_entries rename to audit_entries_away")
            .await;
        let mut answered = 1;
        while client.unary(UNARY, "hello").await.is_ok() {
            answered += 1;
            assert!(
                answered <= 13,
                "more calls than the queue and one batch hold"
            );
        }
        assert!(answered > 8, "the queue was not used");
        let handed_on = fixture.upstream.calls();
        client.unary(UNARY, "hello").await.unwrap_err();
        assert_eq!(fixture.upstream.calls(), handed_on);

        database
            .run("alter table audit_entries_away rename to audit_entries")
            .await;
        let back = async {
            while client.unary(UNARY, "after").await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), back)
            .await
            .unwrap();
        let calls = fixture.upstream.calls();
        let found = until_listed(&fixture, calls).await;
        assert_eq!(found.len(), calls, "each call once");
        assert!(is_whole(&fixture).await);
    }
}

/// Like [`entries`], with a queue so short that asking may be refused.
async fn until_listed(fixture: &Fixture, count: usize) -> Vec<AuditEntry> {
    let mut client = AuditServiceClient::new(channel(fixture));
    let question = ListAuditEntriesRequest {
        page_size: 1000,
        method_prefix: "rapport.profiles.".into(),
        ..ListAuditEntriesRequest::default()
    };
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    loop {
        let call = with(fixture, &manager(fixture), question.clone());
        if let Ok(answer) = client.list_audit_entries(call).await
            && let entries = answer.into_inner().entries
            && entries.len() >= count
        {
            return entries;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "calls are missing in the trail"
        );
    }
}

#[tokio::test]
async fn everything_is_written_before_the_process_ends() {
    for engine in engines() {
        let plan = Plan {
            engine,
            ..Plan::default()
        };
        let mut fixture = plan.open().await;
        let client = fixture.client(&fixture.token()).await;
        let database = Tamperer::of(&fixture.env.database).await;
        database
            .run("alter table audit_entries rename to audit_entries_away")
            .await;
        for _ in 0..20 {
            client.unary(UNARY, "hello").await.unwrap();
        }
        drop(client);
        fixture.env.house.shutdown.cancel();
        let is_writer = |task: &Task| task.name == "audit trail";
        let (writer, others): (Vec<_>, Vec<_>) = fixture.tasks.drain(..).partition(is_writer);
        join(others).await;
        // The last call has ended and its answer is out; only the trail is still to be written.
        assert!(!writer[0].handle.is_finished());
        database
            .run("alter table audit_entries_away rename to audit_entries")
            .await;
        join(writer).await;
        let count = database
            .count("select count(*) as count from audit_entries")
            .await;
        assert_eq!(count, 20);
        // Up to the last entry: nothing can be cut off unseen.
        let anchored = database
            .count("select max(seq) as count from audit_anchors")
            .await;
        assert_eq!(anchored, 20);
    }
}

#[tokio::test]
async fn calls_that_are_cut_off_when_time_is_up_are_in_the_trail() {
    for way in [Way::Embedded, Way::Split] {
        let plan = Plan {
            way,
            ..Plan::default()
        };
        let mut fixture = plan.open().await;
        let client = fixture.client(&fixture.token()).await;
        let waiting = two_waiting(&fixture, &client).await;
        let (tasks, drain) = (
            std::mem::take(&mut fixture.tasks),
            DrainConfig {
                announce_ms: 0,
                limit_ms: 200,
            },
        );
        let shutdown = &fixture.env.house.shutdown;
        let stopped = run(tasks, async {}, &fixture.readiness, shutdown, &drain).await;
        assert_eq!(stopped, Stopped::CutOff(vec!["gateway listener"]));
        for call in waiting {
            call.await.unwrap().unwrap_err();
        }
        let database = Tamperer::of(&fixture.env.database).await;
        let cancelled = "select count(*) as count from audit_entries where outcome = 1";
        assert_eq!(database.count(cancelled).await, 2);
    }
}

/// Two calls that have come to the service and are not answered.
async fn two_waiting(fixture: &Fixture, client: &Client) -> [Waiting; 2] {
    let waiting = [(); 2].map(|()| {
        let client = client.clone();
        tokio::spawn(async move { client.unary(UNARY, "wait").await })
    });
    while fixture.upstream.calls() < 2 {
        tokio::task::yield_now().await;
    }
    waiting
}

type Waiting = tokio::task::JoinHandle<Result<tonic::Response<String>, tonic::Status>>;

async fn join(tasks: Vec<Task>) {
    for Task { name, handle, .. } in tasks {
        let joined = tokio::time::timeout(Duration::from_secs(20), handle).await;
        joined
            .unwrap_or_else(|_| panic!("{name} does not end"))
            .unwrap();
    }
}
