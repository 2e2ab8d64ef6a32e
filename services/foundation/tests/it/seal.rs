//! Data keys in the store.

use rapport_foundation::db::{Engine, Error};
use rapport_foundation::personal::Personal;
use rapport_foundation::role::Role;
use rapport_foundation::seal::{Keyring, Vault};
use rapport_foundation::testing::{on_every_engine, shared_tables, tenant};

#[tokio::test]
async fn a_value_sealed_in_one_transaction_opens_in_another_process_and_in_no_other_row() {
    on_every_engine(Role::Profiles, shared_tables, async |t| {
        let ours = tenant();
        let subjects = &["rec_a".to_owned(), "rec_b".to_owned(), "rec_a".to_owned()];
        let (vault, other) = (&t.vault, &Vault::new(Keyring::single([42; 32])));
        let sealed =
            t.db.write(ours, |s| async move {
                let keys = vault.keys(&s, subjects).await?;
                Ok::<_, Error>(
                    keys.require("rec_a")?
                        .seal_text(&Personal::new("Ada"), b"records/1/name"),
                )
            })
            .await
            .unwrap();
        let sealed = &sealed;
        for vault in [vault, other] {
            let opened = t.db.read(ours, |s| async move {
                let keys = vault.existing(&s, subjects).await?;
                let (a, b) = (keys.require("rec_a")?, keys.require("rec_b")?);
                assert!(matches!(
                    a.open(sealed, b"records/2/name"),
                    Err(Error::Corrupt(_))
                ));
                assert!(matches!(
                    b.open(sealed, b"records/1/name"),
                    Err(Error::Corrupt(_))
                ));
                a.open_text(sealed, b"records/1/name")
            });
            assert_eq!(opened.await.unwrap().expose(), "Ada");
        }
        let stranger = Vault::new(Keyring::single([43; 32]));
        let stranger = &stranger;
        let outcome =
            t.db.read(ours, |s| async move {
                stranger.existing(&s, subjects).await.map(|_| ())
            })
            .await;
        assert!(matches!(outcome, Err(Error::Corrupt(_))));
    })
    .await;
}

#[tokio::test]
async fn a_destroyed_key_takes_its_values_with_it_even_when_the_subject_comes_back() {
    on_every_engine(Role::Profiles, shared_tables, async |t| {
        let (ours, vault, subjects) = (tenant(), &t.vault, &["rec_a".to_owned()]);
        let seal = async |text: &'static str| {
            t.db.write(ours, |s| async move {
                Ok::<_, Error>(
                    vault
                        .keys(&s, subjects)
                        .await?
                        .require("rec_a")?
                        .seal(text.as_bytes(), b"row"),
                )
            })
            .await
            .unwrap()
        };
        let old = seal("old").await;
        assert!(
            t.db.write(ours, |s| async move { vault.destroy(&s, "rec_a").await })
                .await
                .unwrap()
        );
        let gone = t.db.read(ours, |s| async move {
            Ok::<_, Error>(vault.existing(&s, subjects).await?.get("rec_a").is_none())
        });
        assert!(gone.await.unwrap());
        let new = seal("new").await;
        let (old, new) = (&old, &new);
        t.db.read(ours, |s| async move {
            let key = vault.existing(&s, subjects).await?.require("rec_a")?;
            assert_eq!(key.open(new, b"row")?, b"new");
            assert!(matches!(key.open(old, b"row"), Err(Error::Erased)));
            Ok::<_, Error>(())
        })
        .await
        .unwrap();
    })
    .await;
}

#[tokio::test]
async fn whoever_began_to_read_before_a_key_was_destroyed_leaves_it_to_nobody() {
    on_every_engine(Role::Profiles, shared_tables, async |t| {
        // Two who write meet there alone.
        if t.db.engine() != Engine::Postgres {
            return;
        }
        let (ours, subjects) = (tenant(), &["rec_a".to_owned()]);
        // Knows no key yet, as a process that was started just now.
        let (db, vault, fresh) = (&t.db, &t.vault, &Vault::new(Keyring::single([42; 32])));
        db.write(ours, |s| async move {
            vault.keys(&s, subjects).await?.require("rec_a").map(|_| ())
        })
        .await
        .unwrap();
        let destroyed = db.write(ours, |s| async move {
            fresh.existing(&s, subjects).await?.require("rec_a")?;
            db.write(ours, |s| async move { fresh.destroy(&s, "rec_a").await })
                .await
        });
        assert!(destroyed.await.unwrap());
        let gone = db.read(ours, |s| async move {
            Ok::<_, Error>(fresh.existing(&s, subjects).await?.get("rec_a").is_none())
        });
        assert!(gone.await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn a_key_made_in_a_transaction_that_rolled_back_is_not_used_again() {
    on_every_engine(Role::Profiles, shared_tables, async |t| {
        let (ours, vault, subjects) = (tenant(), &t.vault, &["rec_a".to_owned()]);
        let failed: Result<(), Error> =
            t.db.write(ours, |s| async move {
                vault.keys(&s, subjects).await?;
                Err(Error::Unique)
            })
            .await;
        assert!(failed.is_err());
        let sealed =
            t.db.write(ours, |s| async move {
                Ok::<_, Error>(
                    vault
                        .keys(&s, subjects)
                        .await?
                        .require("rec_a")?
                        .seal(b"kept", b"row"),
                )
            })
            .await
            .unwrap();
        let (fresh, sealed) = (&Vault::new(Keyring::single([42; 32])), &sealed);
        let opened = t.db.read(ours, |s| async move {
            fresh
                .existing(&s, subjects)
                .await?
                .require("rec_a")?
                .open(sealed, b"row")
        });
        assert_eq!(opened.await.unwrap(), b"kept");
    })
    .await;
}
