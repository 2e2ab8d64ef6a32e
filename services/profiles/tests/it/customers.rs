//! Creating, reading, changing, listing and deleting customers, and their identifiers.

use rapport_foundation::context::PrincipalKind;
use rapport_proto::profiles::v1 as pb;
use rapport_proto::types::v1::Channel;
use tonic::Code;

use crate::desk::{
    add, create, detail, email, external, fresh, handle, on_every_desk, phone, reason, values,
};

fn update(customer: &pb::Customer, new: pb::Customer, paths: &[&str]) -> pb::UpdateCustomerRequest {
    pb::UpdateCustomerRequest {
        request_id: fresh(),
        customer_id: customer.id.clone(),
        customer: Some(new),
        update_mask: (!paths.is_empty()).then(|| prost_types::FieldMask {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        }),
        etag: String::new(),
    }
}

#[tokio::test]
async fn a_created_customer_reads_back_as_it_was_given() {
    on_every_desk(async |desk| {
        let mut request = create(
            "Ana Santos",
            &[phone("0917 123 4567"), email("Ana@Example.com")],
        );
        request.region = "PH".into();
        let given = request.customer.as_mut().unwrap();
        given.given_name = "Ana".into();
        given.family_name = "Santos".into();
        given.kind = pb::CustomerKind::Person.into();
        given.lifecycle_stage = pb::LifecycleStage::Loyal.into();
        given.preferences = Some(pb::Preferences {
            channel: Channel::Messaging.into(),
            language: "fil-PH".into(),
            time_zone: "Asia/Manila".into(),
        });
        let created = desk
            .create_customer(request.clone())
            .await
            .unwrap()
            .customer
            .unwrap();
        assert_eq!(created.state(), pb::CustomerState::Active);
        assert_eq!(created.etag, "\"1\"");
        assert_eq!(values(&created), ["+639171234567", "ana@example.com"]);
        assert!(
            created
                .identifiers
                .iter()
                .all(|held| created.record_ids.contains(&held.record_id))
        );
        assert_eq!(created.create_time, created.update_time);
        assert_eq!(desk.got(&created.id).await, created);
        let said = request.customer.unwrap();
        assert_eq!(
            (
                created.display_name,
                created.given_name,
                created.family_name,
                created.kind,
                created.preferences
            ),
            (
                said.display_name,
                said.given_name,
                said.family_name,
                said.kind,
                said.preferences
            )
        );
        desk.holds().await;
    })
    .await;
}

#[tokio::test]
async fn a_repeated_creation_has_one_effect_and_another_content_is_refused() {
    on_every_desk(async |desk| {
        let request = create("Ana", &[phone("+6281234567890")]);
        let first = desk.create_customer(request.clone()).await.unwrap();
        let second = desk.create_customer(request.clone()).await.unwrap();
        assert_eq!(first, second);
        let mut other = request;
        other.customer.as_mut().unwrap().display_name = "Ben".into();
        let refused = desk.create_customer(other).await.unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::AlreadyExists, "REQUEST_ID_REUSED")
        );
    })
    .await;
}

#[tokio::test]
async fn the_same_creation_many_times_at_once_has_one_effect() {
    on_every_desk(async |desk| {
        let request = create("Ana", &[phone("+6281234567890")]);
        let calls = (0..12).map(|_| desk.create_customer(request.clone()));
        let answers = futures::future::join_all(calls).await;
        let first = answers[0].clone().unwrap();
        assert!(answers.into_iter().all(|answer| answer.unwrap() == first));
    })
    .await;
}

#[tokio::test]
async fn an_identifier_of_another_customer_is_refused_and_names_whose_it_is() {
    on_every_desk(async |desk| {
        let ana = desk.created("Ana", &[phone("+6281234567890")]).await;
        let taken = create("Ben", &[email("ben@example.com"), phone("0812 3456 7890")]);
        let refused = desk.create_customer(taken).await.unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::AlreadyExists, "IDENTIFIER_TAKEN")
        );
        assert_eq!(detail(&refused, "customer_id"), ana.id);
        assert_eq!(detail(&refused, "field"), "identifiers[1]");
        let ben = desk.created("Ben", &[email("ben@example.com")]).await;
        let refused = desk
            .add_identifier(add(&ben.id, phone("+6281234567890")))
            .await
            .unwrap_err();
        assert_eq!(reason(&refused), "IDENTIFIER_TAKEN");
        assert_eq!(desk.got(&ben.id).await, ben);
    })
    .await;
}

#[tokio::test]
async fn an_update_sets_what_the_mask_names_once_and_only_on_the_right_version() {
    on_every_desk(async |desk| {
        let ana = desk.created("Ana", &[]).await;
        let new = pb::Customer {
            display_name: "Ana Santos".into(),
            given_name: "ignored".into(),
            ..pb::Customer::default()
        };
        let mut request = update(&ana, new, &["display_name", "family_name"]);
        request.etag = ana.etag.clone();
        let first = desk
            .update_customer(request.clone())
            .await
            .unwrap()
            .customer
            .unwrap();
        assert_eq!(
            (first.display_name.as_str(), first.given_name.as_str()),
            ("Ana Santos", "")
        );
        assert_eq!(first.etag, "\"2\"");
        assert!(first.update_time.unwrap().seconds >= ana.update_time.unwrap().seconds);
        let again = desk
            .update_customer(request.clone())
            .await
            .unwrap()
            .customer
            .unwrap();
        assert_eq!(again, first);
        request.request_id = fresh();
        let stale = desk.update_customer(request).await.unwrap_err();
        assert_eq!(
            (stale.code(), reason(&stale).as_str()),
            (Code::Aborted, "ETAG_MISMATCH")
        );
        // Without a mask everything is set; what is not given is cleared.
        let cleared = desk
            .update_customer(update(&ana, pb::Customer::default(), &[]))
            .await
            .unwrap();
        let cleared = cleared.customer.unwrap();
        assert_eq!(
            (cleared.display_name.as_str(), cleared.etag.as_str()),
            ("", "\"3\"")
        );
        // What is the same already is no change.
        let same = desk
            .update_customer(update(&ana, pb::Customer::default(), &[]))
            .await
            .unwrap();
        assert_eq!(same.customer.unwrap(), cleared);
    })
    .await;
}

#[tokio::test]
async fn identifiers_are_added_once_and_end_when_removed() {
    on_every_desk(async |desk| {
        let ana = desk.created("Ana", &[]).await;
        let request = add(&ana.id, handle("Line", "@Ana"));
        let first = desk.add_identifier(request.clone()).await.unwrap();
        let held = first.identifier.clone().unwrap();
        assert_eq!(held.identifier.clone().unwrap().namespace, "line");
        assert_eq!(
            first.customer.clone().unwrap().identifiers,
            std::slice::from_ref(&held)
        );
        assert_eq!(desk.add_identifier(request).await.unwrap(), first);
        // The same again under another request id changes nothing.
        let same = desk
            .add_identifier(add(&ana.id, handle("line", "ana")))
            .await
            .unwrap();
        assert_eq!(same, first);

        let request = pb::RemoveIdentifierRequest {
            request_id: fresh(),
            customer_id: ana.id.clone(),
            identifier_id: held.id.clone(),
            etag: first.customer.unwrap().etag,
        };
        let removed = desk.remove_identifier(request.clone()).await.unwrap();
        assert!(removed.customer.as_ref().unwrap().identifiers.is_empty());
        assert_eq!(
            desk.remove_identifier(request.clone()).await.unwrap(),
            removed
        );
        let mut gone = request;
        gone.request_id = fresh();
        gone.etag = String::new();
        let refused = desk.remove_identifier(gone).await.unwrap_err();
        assert_eq!(
            (refused.code(), detail(&refused, "id")),
            (Code::NotFound, held.id)
        );
        // Free again, also for the same customer.
        let back = desk
            .add_identifier(add(&ana.id, handle("line", "ana")))
            .await
            .unwrap();
        assert_eq!(values(&back.customer.unwrap()), ["ana"]);
        desk.holds().await;
    })
    .await;
}

#[tokio::test]
async fn a_deleted_customer_is_hidden_still_readable_and_cannot_be_changed() {
    on_every_desk(async |desk| {
        let ana = desk.created("Ana", &[phone("+6281234567890")]).await;
        let request = pb::DeleteCustomerRequest {
            request_id: fresh(),
            customer_id: ana.id.clone(),
            etag: ana.etag.clone(),
        };
        let deleted = desk.delete_customer(request.clone()).await.unwrap();
        assert_eq!(desk.delete_customer(request).await.unwrap(), deleted);
        let deleted = deleted.customer.unwrap();
        assert_eq!(deleted.state(), pb::CustomerState::Deleted);
        assert!(deleted.delete_time.is_some() && deleted.identifiers.is_empty());
        assert_eq!(deleted.display_name, "Ana", "data stays until it is erased");
        assert_eq!(desk.got(&ana.id).await, deleted);

        let list = |show_deleted| pb::ListCustomersRequest {
            show_deleted,
            ..pb::ListCustomersRequest::default()
        };
        assert!(
            desk.list_customers(list(false))
                .await
                .unwrap()
                .customers
                .is_empty()
        );
        assert_eq!(
            desk.list_customers(list(true)).await.unwrap().customers,
            [deleted]
        );
        let by_number = pb::ListCustomersRequest {
            identifier: Some(phone("+6281234567890")),
            ..list(true)
        };
        assert!(
            desk.list_customers(by_number)
                .await
                .unwrap()
                .customers
                .is_empty()
        );

        let renamed = pb::Customer {
            display_name: "Ben".into(),
            ..pb::Customer::default()
        };
        let refusals = [
            desk.update_customer(update(&ana, renamed, &[]))
                .await
                .unwrap_err(),
            desk.add_identifier(add(&ana.id, email("a@example.com")))
                .await
                .unwrap_err(),
        ];
        for refused in refusals {
            assert_eq!(
                (refused.code(), reason(&refused).as_str()),
                (Code::FailedPrecondition, "CUSTOMER_DELETED")
            );
        }
        desk.holds().await;
    })
    .await;
}

#[tokio::test]
async fn lists_go_page_by_page_newest_first() {
    on_every_desk(async |desk| {
        let mut made = Vec::new();
        for at in 0..7 {
            made.push(
                desk.created(
                    &format!("Customer {at}"),
                    &[external("crm", &at.to_string())],
                )
                .await,
            );
        }
        made.reverse();
        let mut request = pb::ListCustomersRequest {
            page_size: 3,
            ..pb::ListCustomersRequest::default()
        };
        let mut listed = Vec::new();
        let mut pages = 0;
        loop {
            let page = desk.list_customers(request.clone()).await.unwrap();
            listed.extend(page.customers);
            pages += 1;
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        assert_eq!((pages, &listed), (3, &made));
        let by_key = pb::ListCustomersRequest {
            identifier: Some(external("CRM", "4")),
            ..pb::ListCustomersRequest::default()
        };
        let found = desk.list_customers(by_key).await.unwrap();
        assert_eq!(found.customers, [made[2].clone()]);
        assert!(found.next_page_token.is_empty());
    })
    .await;
}

#[tokio::test]
async fn an_end_customer_sees_nobody_but_themselves() {
    on_every_desk(async |mut desk| {
        let ana = desk
            .created("Ana", &[external("subject", "auth|ana")])
            .await;
        let ben = desk.created("Ben", &[]).await;
        desk.set_caller("auth|ana", PrincipalKind::Customer, None);
        assert_eq!(desk.got(&ana.id).await, ana);
        let foreign = desk
            .get_customer(pb::GetCustomerRequest {
                customer_id: ben.id.clone(),
            })
            .await
            .unwrap_err();
        assert_eq!(foreign.code(), Code::NotFound);
        desk.set_caller(&ben.id, PrincipalKind::Customer, None);
        assert_eq!(desk.got(&ben.id).await, ben);
    })
    .await;
}
