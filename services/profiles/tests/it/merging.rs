//! `MergeCustomers` and `UnmergeCustomers`.

use rapport_proto::profiles::v1 as pb;
use tonic::Code;

use crate::desk::{
    add, detail, email, fresh, handle, merge, on_every_desk, phone, reason, unmerge, values,
};

#[tokio::test]
async fn a_merge_and_its_undoing_leave_both_as_they_were() {
    on_every_desk(async |desk| {
        let ana = desk.created("Ana", &[phone("+6281234567890")]).await;
        let mut other = crate::desk::create("A. Santos", &[email("ana@example.com")]);
        other.customer.as_mut().unwrap().family_name = "Santos".into();
        let other = desk.create_customer(other).await.unwrap().customer.unwrap();

        let request = merge(&ana.id, &other.id);
        let whole = desk.merge_customers(request.clone()).await.unwrap();
        assert_eq!(desk.merge_customers(request).await.unwrap(), whole);
        let whole = whole.customer.unwrap();
        assert_eq!(
            (whole.id.as_str(), whole.state()),
            (ana.id.as_str(), pb::CustomerState::Active)
        );
        assert_eq!(values(&whole), ["+6281234567890", "ana@example.com"]);
        assert_eq!(
            (whole.display_name.as_str(), whole.family_name.as_str()),
            ("Ana", "Santos")
        );
        assert_eq!(whole.record_ids.len(), 2);
        let part = desk.got(&other.id).await;
        assert_eq!(part.state(), pb::CustomerState::Merged);
        assert_eq!(part.merged_into_customer_id, ana.id);
        assert_eq!(values(&part), ["ana@example.com"]);
        let listed = desk
            .list_customers(pb::ListCustomersRequest::default())
            .await
            .unwrap();
        assert_eq!(listed.customers, [whole]);
        let found = desk
            .resolved("mail", &[email("ana@example.com")])
            .await
            .customer
            .unwrap();
        assert_eq!(
            (found.customer_id, found.record_id),
            (ana.id.clone(), other.record_ids[0].clone())
        );
        desk.holds().await;

        let request = unmerge(&ana.id, &other.id);
        let apart = desk.unmerge_customers(request.clone()).await.unwrap();
        assert_eq!(desk.unmerge_customers(request).await.unwrap(), apart);
        let as_before = |after: pb::Customer, before: &pb::Customer| {
            let before = before.clone();
            assert_eq!(
                pb::Customer {
                    etag: before.etag.clone(),
                    update_time: before.update_time,
                    ..after
                },
                before
            );
        };
        as_before(apart.customer.unwrap(), &ana);
        as_before(apart.restored_customer.unwrap(), &other);
        desk.holds().await;
    })
    .await;
}

#[tokio::test]
async fn what_came_after_a_merge_goes_where_it_came_in() {
    on_every_desk(async |desk| {
        let ana = desk.created("Ana", &[phone("+6281234567890")]).await;
        let ben = desk.created("Ben", &[email("ben@example.com")]).await;
        desk.merged(&ana.id, &ben.id).await;
        // A contact by Ben's address brings a handle, a colleague adds a number to Ana by hand.
        let contact = desk
            .resolved("line", &[email("ben@example.com"), handle("line", "ben")])
            .await;
        assert_eq!(contact.customer.clone().unwrap().customer_id, ana.id);
        desk.add_identifier(add(&ana.id, phone("+639171234567")))
            .await
            .unwrap();
        let (ana, ben) = desk.unmerged(&ana.id, &ben.id).await;
        assert_eq!(values(&ben), ["ben", "ben@example.com"]);
        assert_eq!(values(&ana), ["+6281234567890", "+639171234567"]);
        let again = desk
            .resolved("line", &[email("ben@example.com"), handle("line", "ben")])
            .await;
        let again = again.customer.unwrap();
        assert_eq!(
            (again.customer_id, Some(again.record_id)),
            (ben.id, contact.customer.map(|c| c.record_id))
        );
        desk.holds().await;
    })
    .await;
}

#[tokio::test]
async fn the_decision_to_keep_apart_outranks_later_matches_until_somebody_decides_anew() {
    on_every_desk(async |desk| {
        let ana = desk.created("Ana", &[phone("+6281234567890")]).await;
        let ben = desk.created("Ben", &[email("ben@example.com")]).await;
        let both = [phone("+6281234567890"), email("ben@example.com")];
        desk.resolved("mail", &both).await;
        assert_eq!(
            desk.got(&ana.id).await.possible_same_as_customer_ids,
            std::slice::from_ref(&ben.id)
        );
        desk.merged(&ana.id, &ben.id).await;
        assert!(
            desk.got(&ana.id)
                .await
                .possible_same_as_customer_ids
                .is_empty()
        );
        desk.unmerged(&ana.id, &ben.id).await;
        let resolved = desk.resolved("chat", &both).await;
        assert_eq!(resolved.reason(), pb::ResolveReason::StrongestOfSeveral);
        assert!(resolved.possible_same_as_customer_ids.is_empty());
        assert_eq!(resolved.customer.unwrap().customer_id, ana.id);
        assert!(
            desk.got(&ana.id)
                .await
                .possible_same_as_customer_ids
                .is_empty()
        );
        desk.holds().await;

        desk.merged(&ana.id, &ben.id).await;
        assert_eq!(desk.got(&ben.id).await.merged_into_customer_id, ana.id);
        desk.unmerged(&ana.id, &ben.id).await;
        desk.holds().await;
    })
    .await;
}

#[tokio::test]
async fn several_merges_are_undone_in_any_order() {
    on_every_desk(async |desk| {
        let mut made = Vec::new();
        for at in 0..4 {
            made.push(
                desk.created(&format!("C{at}"), &[phone(&format!("+62812345678{at:02}"))])
                    .await
                    .id,
            );
        }
        // 3 → 2 → 1 → 0: each names the one that remains in the end.
        desk.merged(&made[2], &made[3]).await;
        desk.merged(&made[1], &made[2]).await;
        let whole = desk.merged(&made[0], &made[1]).await;
        assert_eq!(whole.identifiers.len(), 4);
        assert_eq!(desk.got(&made[3]).await.merged_into_customer_id, made[0]);
        desk.holds().await;
        // From the middle: 2 leaves with 3.
        let (rest, restored) = desk.unmerged(&made[0], &made[2]).await;
        assert_eq!((rest.identifiers.len(), restored.identifiers.len()), (2, 2));
        assert_eq!(desk.got(&made[3]).await.merged_into_customer_id, made[2]);
        desk.holds().await;
        let (_, restored) = desk.unmerged(&made[2], &made[3]).await;
        assert_eq!(restored.identifiers.len(), 1);
        desk.merged(&made[3], &made[0]).await;
        desk.holds().await;
        assert_eq!(desk.got(&made[1]).await.merged_into_customer_id, made[3]);
        // A part of a part.
        let (_, restored) = desk.unmerged(&made[3], &made[1]).await;
        assert_eq!(restored.state(), pb::CustomerState::Active);
        desk.holds().await;
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_merged_or_taken_apart_is_refused_and_stays() {
    on_every_desk(async |desk| {
        let ana = desk.created("Ana", &[]).await.id;
        let ben = desk.created("Ben", &[]).await.id;
        let cleo = desk.created("Cleo", &[]).await.id;
        let refused = desk
            .unmerge_customers(unmerge(&ana, &ben))
            .await
            .unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::FailedPrecondition, "NOT_MERGED")
        );
        desk.merged(&ana, &ben).await;
        let refused = desk.merge_customers(merge(&cleo, &ben)).await.unwrap_err();
        assert_eq!(reason(&refused), "CUSTOMER_MERGED");
        assert_eq!(detail(&refused, "merged_into_customer_id"), ana);
        let refused = desk.merge_customers(merge(&ben, &cleo)).await.unwrap_err();
        assert_eq!(reason(&refused), "CUSTOMER_MERGED");
        let refused = desk
            .unmerge_customers(unmerge(&cleo, &ben))
            .await
            .unwrap_err();
        assert_eq!(reason(&refused), "NOT_MERGED");
        let mut stale = merge(&ana, &cleo);
        stale.etag = "1".into();
        let refused = desk.merge_customers(stale).await.unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::Aborted, "ETAG_MISMATCH")
        );
        let delete = pb::DeleteCustomerRequest {
            request_id: fresh(),
            customer_id: ben.clone(),
            etag: String::new(),
        };
        let refused = desk.delete_customer(delete).await.unwrap_err();
        assert_eq!(reason(&refused), "CUSTOMER_MERGED");
        // What is deleted takes its parts along.
        desk.deleted(&ana).await;
        let part = desk.got(&ben).await;
        assert_eq!(part.state(), pb::CustomerState::Deleted);
        assert_eq!(part.merged_into_customer_id, ana);
        let refused = desk
            .unmerge_customers(unmerge(&ana, &ben))
            .await
            .unwrap_err();
        assert_eq!(reason(&refused), "CUSTOMER_DELETED");
        let refused = desk.merge_customers(merge(&cleo, &ana)).await.unwrap_err();
        assert_eq!(reason(&refused), "CUSTOMER_DELETED");
        desk.holds().await;
    })
    .await;
}

#[tokio::test]
async fn merges_that_race_with_contacts_leave_everything_in_its_place() {
    on_every_desk(async |desk| {
        let ana = desk.created("Ana", &[phone("+6281234567890")]).await.id;
        let ben = desk.created("Ben", &[email("ben@example.com")]).await.id;
        let contacts = (0..40).map(|at| {
            let identifiers = [
                email("ben@example.com"),
                handle("line", &format!("ben{at}")),
            ];
            let desk = &desk;
            async move {
                // Without a contradiction each is a new record of whoever has the address.
                desk.resolved(&format!("source{at}"), &identifiers).await
            }
        });
        let turns = async {
            for _ in 0..5 {
                desk.merged(&ana, &ben).await;
                desk.unmerged(&ana, &ben).await;
            }
        };
        futures::join!(futures::future::join_all(contacts), turns);
        assert_eq!(values(&desk.got(&ana).await), ["+6281234567890"]);
        assert_eq!(desk.got(&ben).await.identifiers.len(), 41);
        desk.holds().await;
    })
    .await;
}
