//! Reading and writing as one tenant.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rapport_foundation::db::{Database, Error};
use rapport_foundation::role::Role;
use rapport_foundation::testing::{on_every_engine, tenant};
use rapport_foundation::time::Micros;
use sea_orm::prelude::{ColumnTrait as _, Expr, Uuid};
use sea_orm::{ActiveValue::Set, QueryFilter as _};
use tokio::sync::{Barrier, Semaphore};

use crate::note::{self, Column, Entity, migrations, note, one_session};

#[tokio::test]
async fn a_row_reads_back_equal_and_only_for_its_tenant() {
    on_every_engine(Role::Profiles, migrations, async |t| {
        let (ours, theirs, id) = (tenant(), tenant(), Uuid::now_v7());
        let stored =
            t.db.write(ours, |s| async move { s.insert(note(id, "hello")).await })
                .await
                .unwrap();
        assert_eq!(
            stored.tenant_id,
            ours.uuid(),
            "the tenant is set, whatever the model says"
        );
        let read = async |tenant| {
            t.db.read(tenant, |s| async move {
                s.find::<Entity>().filter(Column::Id.eq(id)).one().await
            })
            .await
            .unwrap()
        };
        assert_eq!(read(ours).await.unwrap(), stored);
        assert_eq!(read(theirs).await, None);
        let touched = t.db.write(theirs, |s| async move {
            let updated = s
                .update_where::<Entity>(|q| {
                    q.col_expr(Column::Words, Expr::value("stolen"))
                        .filter(Column::Id.eq(id))
                })
                .await?;
            let deleted = s.delete_where::<Entity>(Column::Id.eq(id)).await?;
            let raw = s
                .raw_exec(
                    "delete from notes where tenant_id = $1 and id = $2",
                    [id.into()],
                )
                .await?;
            Ok::<_, Error>((updated, deleted, raw, s.find::<Entity>().count().await?))
        });
        assert_eq!(touched.await.unwrap(), (0, 0, 0, 0));
        assert_eq!(read(ours).await.unwrap(), stored);
    })
    .await;
}

#[tokio::test]
async fn many_rows_go_in_and_change_as_they_are_and_several_writes_go_together() {
    on_every_engine(Role::Profiles, migrations, async |t| {
        let ours = tenant();
        let row = |n: u128, words: &str, sealed: Option<&[u8]>| note::ActiveModel {
            sealed: Set(sealed.map(<[u8]>::to_vec)),
            extra: Set(serde_json::json!({"n": n.to_string(), "quote": "\"$1\\ '"})),
            ..note(Uuid::from_u128(n), words)
        };
        let key = [Column::TenantId, Column::Id];
        let first = vec![
            row(1, "a", None),
            row(2, "b", Some(&[])),
            row(3, "c", Some(&[0, 255])),
        ];
        let second = vec![row(1, "d", Some(&[7])), row(3, "e", None), row(4, "", None)];
        let taken = vec![row(4, "taken", None), row(5, "$1", None)];
        let written = t.db.write(ours, |s| {
            let (first, second, taken) = (first.clone(), second.clone(), taken.clone());
            async move {
                assert_eq!(s.insert_many(first).await?, 3);
                s.upsert_many(second, key, [Column::Words, Column::Sealed])
                    .await?;
                s.together(|s| async move {
                    s.insert_absent(taken, key).await?;
                    s.insert_many(vec![row(6, "f", None)]).await?;
                    s.upsert_many(vec![row(2, "g", None)], key, [Column::Words])
                        .await
                })
                .await?;
                s.together(|_| async { Ok(()) }).await
            }
        });
        written.await.unwrap();
        let ids = (1..=9).map(Uuid::from_u128);
        let read = t.db.read(ours, |s| {
            let among = s.among(Column::Id, ids.clone());
            async move {
                s.find::<Entity>()
                    .filter(among)
                    .order_by_asc(Column::Id)
                    .all()
                    .await
            }
        });
        let read: Vec<_> = read.await.unwrap();
        let told: Vec<_> = read
            .iter()
            .map(|note| (note.words.as_str(), note.sealed.as_deref()))
            .collect();
        let seven: &[u8] = &[7];
        let empty: &[u8] = &[];
        let expected = [
            ("d", Some(seven)),
            ("g", Some(empty)),
            ("e", None),
            ("", None),
            ("$1", None),
            ("f", None),
        ];
        assert_eq!(told, expected);
        assert_eq!(
            read[2].extra,
            serde_json::json!({"n": "3", "quote": "\"$1\\ '"})
        );
        assert_eq!(
            (read[4].at, read[4].tenant_id),
            (Micros(i64::MAX), ours.uuid())
        );
        let unique = t.db.write(ours, |s| async move {
            s.together(|s| async move {
                s.insert_many(vec![row(7, "h", None)]).await?;
                s.insert_many(vec![row(8, "i", None), row(1, "j", None)])
                    .await
                    .map(drop)
            })
            .await
        });
        assert!(matches!(unique.await, Err(Error::Unique)));
        let count =
            t.db.read(ours, |s| async move { s.find::<Entity>().count().await });
        assert_eq!(count.await.unwrap(), 6, "none of them is there");
    })
    .await;
}

#[tokio::test]
async fn queries_filter_order_limit_and_count() {
    on_every_engine(Role::Profiles, migrations, async |t| {
        let ours = tenant();
        let rows: Vec<_> = (0..20)
            .map(|n| note(Uuid::from_u128(n), &format!("w{n:02}")))
            .collect();
        let again = rows.clone();
        let stored = t.db.write(ours, |s| {
            let (rows, again) = (rows.clone(), again.clone());
            async move {
                let stored = s.insert_many(rows).await?;
                assert_eq!(s.insert_many(Vec::<note::ActiveModel>::new()).await?, 0);
                let mut again = again;
                again.push(note(Uuid::from_u128(99), "fresh"));
                let fresh = s
                    .insert_fresh(again, [Column::TenantId, Column::Id])
                    .await?;
                Ok::<_, Error>((stored, fresh.len()))
            }
        });
        assert_eq!(stored.await.unwrap(), (20, 1));
        let page = t.db.read(ours, |s| async move {
            let page = s
                .find::<Entity>()
                .filter(Column::Words.gt("w04"))
                .order_by_desc(Column::Words)
                .limit(3)
                .all()
                .await?;
            assert!(
                s.find::<Entity>()
                    .filter(Column::Words.eq("fresh"))
                    .exists()
                    .await?
            );
            Ok::<_, Error>(page)
        });
        let words: Vec<_> = page
            .await
            .unwrap()
            .into_iter()
            .map(|note| note.words)
            .collect();
        assert_eq!(words, ["w19", "w18", "w17"]);
        let unique = t.db.write(ours, |s| async move {
            s.insert(note(Uuid::from_u128(3), "x")).await
        });
        assert!(matches!(unique.await, Err(Error::Unique)));
    })
    .await;
}

#[tokio::test]
async fn raw_statements_without_the_tenant_and_writes_in_a_read_are_refused() {
    on_every_engine(Role::Profiles, migrations, async |t| {
        let outcome = t.db.read(tenant(), |s| async move {
            for sql in [
                "select 1 as x",
                "select 1 as x from notes where tenant_id = $2",
                "select $1 as x",
            ] {
                assert!(
                    matches!(
                        s.raw_all(sql, [1.into()]).await,
                        Err(Error::Misconfigured(_))
                    ),
                    "{sql}"
                );
            }
            assert!(matches!(
                s.insert(note(Uuid::nil(), "x")).await,
                Err(Error::Misconfigured(_))
            ));
            s.raw_exec("delete from notes where tenant_id = $1", [])
                .await
        });
        assert!(matches!(outcome.await, Err(Error::Misconfigured(_))));
    })
    .await;
}

/// Adds one to the version of a note, as a use case does: read, decide, write with `WHERE version = $n`.
async fn bump(
    db: &Database,
    tenant: rapport_foundation::id::TenantId,
    id: Uuid,
    both_read: &Barrier,
) {
    let first = &AtomicU32::new(1);
    db.write(tenant, |s| async move {
        let note = s
            .find::<Entity>()
            .filter(Column::Id.eq(id))
            .one()
            .await?
            .unwrap();
        if first.swap(0, Ordering::SeqCst) == 1 {
            // Only PostgreSQL lets two transactions read before either writes.
            let _ = tokio::time::timeout(Duration::from_millis(200), both_read.wait()).await;
        }
        let changed = s
            .update_where::<Entity>(|q| {
                q.set(note::ActiveModel {
                    version: Set(note.version + 1),
                    ..Default::default()
                })
                .filter(Column::Id.eq(id))
                .filter(Column::Version.eq(note.version))
            })
            .await?;
        s.stale_if_none(changed)
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_stale_write_is_decided_again() {
    on_every_engine(Role::Profiles, migrations, async |t| {
        let (ours, id) = (tenant(), Uuid::now_v7());
        t.db.write(ours, |s| async move { s.insert(note(id, "x")).await })
            .await
            .unwrap();
        let both = Barrier::new(2);
        tokio::join!(bump(&t.db, ours, id, &both), bump(&t.db, ours, id, &both));
        let note =
            t.db.read(ours, |s| async move { s.find::<Entity>().one().await })
                .await
                .unwrap()
                .unwrap();
        assert_eq!(note.version, 3);
    })
    .await;
}

#[tokio::test]
async fn a_write_that_stays_stale_gives_up_after_four_attempts_and_leaves_nothing() {
    on_every_engine(Role::Profiles, migrations, async |t| {
        let (ours, attempts) = (tenant(), &AtomicU32::new(0));
        let outcome: Result<(), Error> =
            t.db.write(ours, |s| async move {
                attempts.fetch_add(1, Ordering::SeqCst);
                s.insert(note(Uuid::now_v7(), "x")).await?;
                Err(s.stale())
            })
            .await;
        assert!(matches!(outcome, Err(Error::Stale { .. })));
        assert_eq!(attempts.load(Ordering::SeqCst), 4);
        let count =
            t.db.read(ours, |s| async move { s.find::<Entity>().count().await })
                .await
                .unwrap();
        assert_eq!(count, 0);
    })
    .await;
}

#[tokio::test]
async fn a_cancelled_write_leaves_nothing_and_frees_the_store() {
    on_every_engine(Role::Profiles, migrations, async |t| {
        let (ours, inside) = (tenant(), Arc::new(Semaphore::new(0)));
        let call = tokio::spawn({
            let (db, inside) = (t.db.clone(), Arc::clone(&inside));
            async move {
                let inside = &inside;
                db.write(ours, |s| async move {
                    s.insert(note(Uuid::now_v7(), "x")).await?;
                    inside.add_permits(1);
                    std::future::pending::<Result<(), Error>>().await
                })
                .await
            }
        });
        inside.acquire().await.unwrap().forget();
        call.abort();
        assert!(call.await.unwrap_err().is_cancelled());
        t.db.write(ours, |s| async move {
            s.insert(note(Uuid::now_v7(), "y")).await
        })
        .await
        .unwrap();
        let words =
            t.db.read(ours, |s| async move { s.find::<Entity>().all().await })
                .await
                .unwrap();
        assert_eq!(words.len(), 1);
        assert_eq!(words[0].words, "y");
    })
    .await;
}

#[tokio::test]
async fn one_session_never_carries_a_tenant_into_the_next_call() {
    on_every_engine(Role::Profiles, migrations, async |t| {
        let db = Database::open(&one_session(&t.database.config), Role::Profiles)
            .await
            .unwrap();
        let (ours, theirs) = (tenant(), tenant());
        for owner in [ours, theirs] {
            db.write(owner, |s| async move {
                s.insert(note(Uuid::now_v7(), &owner.to_string())).await
            })
            .await
            .unwrap();
        }
        let inside = Arc::new(Semaphore::new(0));
        for round in 0..20 {
            let reader = if round % 3 == 0 { ours } else { theirs };
            // A call of the other tenant is cut off in the middle.
            let cut = tokio::spawn({
                let (db, inside) = (db.clone(), Arc::clone(&inside));
                let other = if reader == ours { theirs } else { ours };
                async move {
                    let inside = &inside;
                    db.read(other, |s| async move {
                        s.find::<Entity>().all().await?;
                        inside.add_permits(1);
                        std::future::pending::<Result<(), Error>>().await
                    })
                    .await
                }
            });
            inside.acquire().await.unwrap().forget();
            cut.abort();
            let _ = cut.await;
            // The query itself names no tenant, so that only the session decides on PostgreSQL.
            let seen = db.read(reader, |s| async move {
                let unfiltered = "select words from notes where tenant_id = $1 or tenant_id <> $1";
                let rows = s.raw_all(unfiltered, []).await?;
                Ok::<_, Error>(
                    rows.iter()
                        .map(|row| row.try_get("", "words").unwrap())
                        .collect::<Vec<String>>(),
                )
            });
            let seen = seen.await.unwrap();
            if db.engine() == rapport_foundation::db::Engine::Postgres {
                assert_eq!(seen, [reader.to_string()]);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn what_waits_for_the_commit_never_runs_on_a_rollback() {
    on_every_engine(Role::Profiles, migrations, async |t| {
        let ran = Arc::new(AtomicU32::new(0));
        for fails in [true, false] {
            let ran = &ran;
            let _ =
                t.db.write(tenant(), |s| async move {
                    let counter = Arc::clone(ran);
                    s.after_commit(move || {
                        counter.fetch_add(1, Ordering::SeqCst);
                    });
                    if fails { Err(Error::Unique) } else { Ok(()) }
                })
                .await;
        }
        assert_eq!(ran.load(Ordering::SeqCst), 1);
    })
    .await;
}

#[tokio::test]
async fn many_writers_at_once_all_commit() {
    on_every_engine(Role::Profiles, migrations, async |t| {
        let tenants = [tenant(), tenant(), tenant()];
        let calls = (0..60_usize).map(|n| {
            let db = t.db.clone();
            tokio::spawn(async move {
                let tenant = tenants[n % 3];
                db.write(tenant, |s| async move {
                    s.insert(note(Uuid::now_v7(), "x")).await
                })
                .await
                .map(|_| ())
            })
        });
        for call in calls.collect::<Vec<_>>() {
            call.await.unwrap().unwrap();
        }
        for tenant in tenants {
            let count =
                t.db.read(tenant, |s| async move { s.find::<Entity>().count().await })
                    .await
                    .unwrap();
            assert_eq!(count, 20);
        }
        let all =
            t.db.system_read(|s| async move { s.find::<Entity>().count().await })
                .await
                .unwrap();
        assert_eq!(all, 60);
    })
    .await;
}

#[tokio::test]
async fn a_server_that_closed_its_sessions_is_met_again_without_an_error() {
    on_every_engine(Role::Profiles, migrations, async |t| {
        if t.db.engine() != rapport_foundation::db::Engine::Postgres {
            return;
        }
        let ours = tenant();
        t.db.write(ours, |s| async move {
            s.insert(note(Uuid::now_v7(), "x")).await
        })
        .await
        .unwrap();
        // A login may end its own sessions, and so plays the restart of a server.
        let other = Database::open(&t.database.config, Role::Profiles).await.unwrap();
        let end = "select count(pg_terminate_backend(pid)) as n from pg_stat_activity where pid <> pg_backend_pid() \
                   and datname = current_database() and usename = current_user and $1::uuid is not null \
                   and 'tenant_id' <> ''";
        let ended = other.read(ours, |s| async move { s.raw_one(end, []).await }).await.unwrap().unwrap();
        assert!(ended.try_get::<i64>("", "n").unwrap() > 0);
        let count = t.db.read(ours, |s| async move { s.find::<Entity>().count().await });
        assert_eq!(count.await.unwrap(), 1, "a session made anew is on its tenant again");
        t.db.write(ours, |s| async move {
            s.insert(note(Uuid::now_v7(), "y")).await
        })
        .await
        .unwrap();
    })
    .await;
}
