//! Who owns a tenant, and who takes over.

use super::*;

#[tokio::test]
async fn a_tenant_is_taken_over_from_the_dead_and_never_from_the_living() {
    everywhere(async |mut desk: Desk| {
        let (store, tenant) = (desk.store.clone(), desk.tenant);
        let other = replica(&store, "http://b", LONG).await;
        if store.is_shared() {
            assert_eq!(take(&store, tenant, &other).await, None, "it lives");
            let owner = store.owner_of(tenant).await.unwrap();
            assert_eq!(owner.as_ref(), Some(&desk.replica));
            assert!(
                store
                    .live_on(desk.replica.id, LONG, Duration::ZERO)
                    .await
                    .unwrap()
            );
            store.leave(desk.replica.id).await.unwrap();
            assert!(
                !store
                    .live_on(desk.replica.id, LONG, Duration::ZERO)
                    .await
                    .unwrap()
            );
            assert_eq!(store.owner_of(tenant).await.unwrap(), None);
        }
        let theirs = take(&store, tenant, &other).await.unwrap();
        assert_eq!(theirs.epoch, desk.lease.epoch + 1);
        let decision = Decision {
            queues: vec![queue()],
            ..Decision::default()
        };
        assert_eq!(desk.decide(&decision).await, Committed::Fenced);
        assert_eq!(store.restored(tenant).await.unwrap().queues, []);
        desk.lease = theirs;
        assert_eq!(desk.decide(&decision).await, Committed::Stored);
        let again = take(&store, tenant, &other).await.unwrap();
        assert_eq!(
            (again.epoch, again.decision),
            (theirs.epoch + 1, theirs.decision + 1)
        );
    })
    .await;
}

#[tokio::test]
async fn who_begins_where_another_lived_and_who_is_younger_than_one_that_nobody_reaches_takes_over()
{
    everywhere(async |desk: Desk| {
        let (store, tenant) = (desk.store.clone(), desk.tenant);
        if !store.is_shared() {
            return;
        }
        let same_place = replica(&store, "http://a", LONG).await;
        assert!(take(&store, tenant, &same_place).await.is_some());
        store.leave(same_place.id).await.unwrap();
        let alone = replica(&store, "", LONG).await;
        assert!(take(&store, tenant, &alone).await.is_some());
        let younger = replica(&store, "", LONG).await;
        assert!(take(&store, tenant, &younger).await.is_some());
        assert_eq!(
            take(&store, tenant, &alone).await,
            None,
            "not back and forth"
        );
    })
    .await;
}

#[tokio::test]
async fn who_is_called_puts_away_who_is_not_and_nobody_else() {
    everywhere(async |desk: Desk| {
        let (store, tenant) = (desk.store.clone(), desk.tenant);
        if !store.is_shared() {
            return;
        }
        let own = replica(&store, "http://b", LONG).await;
        let none: [Replica; 0] = [];
        assert_eq!(
            store.uncalled(own.id, LONG).await.unwrap(),
            none,
            "it was called"
        );
        assert!(!store.put_away(desk.replica.id, LONG).await.unwrap());
        // The first comes back, and nobody has called it for longer.
        store.leave(desk.replica.id).await.unwrap();
        store.begin(&desk.replica, LONG, 2 * LONG).await.unwrap();
        assert_eq!(take(&store, tenant, &own).await, None, "it lives");
        let uncalled = store.uncalled(own.id, LONG).await.unwrap();
        assert_eq!(uncalled, std::slice::from_ref(&desk.replica));
        // Who is called by nobody puts nobody away.
        assert_eq!(store.uncalled(desk.replica.id, LONG).await.unwrap(), none);
        assert!(store.put_away(desk.replica.id, LONG).await.unwrap());
        assert!(take(&store, tenant, &own).await.is_some());
        assert!(
            !store
                .live_on(desk.replica.id, LONG, Duration::ZERO)
                .await
                .unwrap()
        );
    })
    .await;
}

#[tokio::test]
async fn a_lease_that_has_run_out_frees_what_is_at_work() {
    everywhere(async |mut desk: Desk| {
        let queue = queue();
        let ticket = ticket(&queue, None);
        let work = work(&ticket, |_| WorkState::Waiting);
        let decision = Decision {
            queues: vec![queue],
            tickets: vec![ticket],
            items: vec![work],
            ..Decision::default()
        };
        desk.decide(&decision).await;
        let (store, tenant) = (desk.store.clone(), desk.tenant);
        if store.is_shared() {
            assert_eq!(store.orphans().await.unwrap(), []);
            let id = desk.replica.id;
            assert!(
                store
                    .live_on(id, Duration::ZERO, Duration::ZERO)
                    .await
                    .unwrap()
            );
        }
        assert_eq!(store.orphans().await.unwrap(), [tenant]);
        let other = replica(&store, "http://b", LONG).await;
        assert!(take(&store, tenant, &other).await.is_some());
    })
    .await;
}
