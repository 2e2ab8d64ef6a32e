//! One effect per request id.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use prost::Message as _;
use rapport_foundation::db::Error;
use rapport_foundation::idempotency::{self, Claim, Key};
use rapport_foundation::role::Role;
use rapport_foundation::testing::{context, on_every_engine, shared_tables, tenant};
use rapport_foundation::time::Clock;
use rapport_proto::profiles::v1::{DeleteCustomerRequest, ResolveCustomerRequest};
use sea_orm::prelude::Uuid;
use tokio::sync::Barrier;

const DELETE: &str = "rapport.profiles.v1.CustomerService/DeleteCustomer";
const RESOLVE: &str = "rapport.profiles.v1.CustomerService/ResolveCustomer";

fn delete(customer: &str, request_id: &str) -> DeleteCustomerRequest {
    DeleteCustomerRequest {
        customer_id: customer.to_owned(),
        request_id: request_id.to_owned(),
        ..DeleteCustomerRequest::default()
    }
}

#[test]
fn what_may_differ_between_honest_repetitions_does_not_count() {
    let ctx = context(tenant(), &[]);
    let id = Uuid::now_v7();
    let key = |request: &DeleteCustomerRequest| *Key::new(&ctx, DELETE, id, request).hash();
    assert_eq!(key(&delete("cus_a", "one")), key(&delete("cus_a", "two")));
    assert_ne!(key(&delete("cus_a", "one")), key(&delete("cus_b", "one")));

    let resolve = |seconds| {
        let seen_time = Some(prost_types::Timestamp { seconds, nanos: 0 });
        let request = ResolveCustomerRequest {
            seen_time,
            ..ResolveCustomerRequest::default()
        };
        assert!(!request.encode_to_vec().is_empty());
        *Key::new(&ctx, RESOLVE, id, &request).hash()
    };
    assert_eq!(resolve(1), resolve(2));
}

#[tokio::test]
async fn a_repetition_gets_the_first_result_and_another_request_is_refused() {
    on_every_engine(Role::Profiles, shared_tables, async |t| {
        let ctx = context(tenant(), &[]);
        let (request_id, result) = (Uuid::now_v7(), Uuid::now_v7());
        let call = async |ctx: &rapport_foundation::context::Context, customer: &str| {
            let key = &Key::new(ctx, DELETE, request_id, &delete(customer, "x"));
            t.db.write(ctx.tenant, |s| async move {
                let claim = key.claim(&s).await?;
                if claim == Claim::Fresh {
                    key.settle(&s, result, 7).await?;
                }
                Ok::<_, Error>(claim)
            })
            .await
            .unwrap()
        };
        assert_eq!(call(&ctx, "cus_a").await, Claim::Fresh);
        assert_eq!(
            call(&ctx, "cus_a").await,
            Claim::Replay {
                result_id: result,
                result_version: 7
            }
        );
        assert_eq!(call(&ctx, "cus_b").await, Claim::Reused);
        assert_eq!(
            call(&ctx, "cus_b").await.replayed().unwrap_err().reason,
            "REQUEST_ID_REUSED"
        );
        assert_eq!(
            call(&context(tenant(), &[]), "cus_b").await,
            Claim::Fresh,
            "another tenant's keys are its own"
        );
    })
    .await;
}

#[tokio::test]
async fn a_failed_call_leaves_its_request_id_free() {
    on_every_engine(Role::Profiles, shared_tables, async |t| {
        let ctx = context(tenant(), &[]);
        let key = &Key::new(&ctx, DELETE, Uuid::now_v7(), &delete("cus_a", "x"));
        let failed: Result<(), Error> =
            t.db.write(ctx.tenant, |s| async move {
                assert_eq!(key.claim(&s).await?, Claim::Fresh);
                Err(Error::Unique)
            })
            .await;
        assert!(failed.is_err());
        assert_eq!(
            t.db.write(ctx.tenant, |s| async move { key.claim(&s).await })
                .await
                .unwrap(),
            Claim::Fresh
        );
    })
    .await;
}

#[tokio::test]
async fn of_many_calls_at_once_one_does_it_and_the_others_get_its_result() {
    on_every_engine(Role::Profiles, shared_tables, async |t| {
        let ctx = &context(tenant(), &[]);
        let (request_id, effects, start) = (Uuid::now_v7(), &AtomicU32::new(0), &Barrier::new(8));
        let calls = (0..8).map(|_| {
            let db = t.db.clone();
            async move {
                let key = &Key::new(ctx, DELETE, request_id, &delete("cus_a", "x"));
                start.wait().await;
                db.write(ctx.tenant, |s| async move {
                    let claim = key.claim(&s).await?;
                    if claim != Claim::Fresh {
                        return Ok::<_, Error>(claim);
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    effects.fetch_add(1, Ordering::SeqCst);
                    key.settle(&s, request_id, 1).await?;
                    Ok(claim)
                })
                .await
                .unwrap()
            }
        });
        let claims = futures::future::join_all(calls).await;
        assert_eq!(effects.load(Ordering::SeqCst), 1);
        assert_eq!(
            claims
                .iter()
                .filter(|claim| **claim == Claim::Fresh)
                .count(),
            1
        );
        assert!(!claims.contains(&Claim::Reused));
    })
    .await;
}

#[tokio::test]
async fn old_request_ids_are_forgotten_and_permanent_ones_are_not() {
    on_every_engine(Role::Profiles, shared_tables, async |t| {
        let ctx = context(tenant(), &[]);
        let plain = Key::new(&ctx, DELETE, Uuid::now_v7(), &delete("cus_a", "x"));
        let kept = Key::new(&ctx, DELETE, Uuid::now_v7(), &delete("cus_a", "x")).permanent();
        for key in [&plain, &kept] {
            t.db.write(ctx.tenant, |s| async move {
                key.claim(&s).await?;
                key.settle(&s, Uuid::nil(), 1).await
            })
            .await
            .unwrap();
        }
        let now = Clock::system().now();
        assert_eq!(idempotency::sweep(&t.db, now).await.unwrap(), 0);
        assert_eq!(
            idempotency::sweep(&t.db, now + idempotency::RETENTION * 2)
                .await
                .unwrap(),
            1
        );
        let found = async |key: &Key| {
            t.db.read(ctx.tenant, |s| async move { key.look_up(&s).await })
                .await
                .unwrap()
        };
        assert_eq!(found(&plain).await, None);
        assert!(found(&kept).await.is_some());
    })
    .await;
}
