//! Another tenant's customers are not there.

use rapport_proto::profiles::v1 as pb;
use tonic::{Code, Status};

use crate::desk::{Desk, add, email, fresh, merge, on_every_desk, phone, unmerge};

/// Every call that names a customer, made on one; its refusal.
async fn refusals(desk: &Desk, own: &str, foreign: &pb::Customer) -> Vec<Status> {
    let id = foreign.id.clone();
    let new = Some(pb::Customer {
        display_name: "Taken over".into(),
        ..pb::Customer::default()
    });
    let (etag, request_id) = (String::new(), fresh);
    let update = pb::UpdateCustomerRequest {
        request_id: request_id(),
        customer_id: id.clone(),
        customer: new,
        update_mask: None,
        etag: etag.clone(),
    };
    let delete = pb::DeleteCustomerRequest {
        request_id: request_id(),
        customer_id: id.clone(),
        etag: etag.clone(),
    };
    let remove = pb::RemoveIdentifierRequest {
        request_id: request_id(),
        customer_id: id.clone(),
        identifier_id: foreign.identifiers[0].id.clone(),
        etag: etag.clone(),
    };
    let remove_from_own = pb::RemoveIdentifierRequest {
        customer_id: own.into(),
        request_id: fresh(),
        ..remove.clone()
    };
    vec![
        desk.get_customer(pb::GetCustomerRequest {
            customer_id: id.clone(),
        })
        .await
        .unwrap_err(),
        desk.update_customer(update).await.unwrap_err(),
        desk.delete_customer(delete).await.unwrap_err(),
        desk.add_identifier(add(&id, email("x@example.com")))
            .await
            .unwrap_err(),
        desk.remove_identifier(remove).await.unwrap_err(),
        desk.remove_identifier(remove_from_own).await.unwrap_err(),
        desk.merge_customers(merge(&id, own)).await.unwrap_err(),
        desk.merge_customers(merge(own, &id)).await.unwrap_err(),
        desk.unmerge_customers(unmerge(&id, own)).await.unwrap_err(),
        desk.unmerge_customers(unmerge(own, &id)).await.unwrap_err(),
    ]
}

#[tokio::test]
async fn another_tenants_customer_is_not_found_and_unchanged() {
    on_every_desk(async |mut desk: Desk| {
        let (ours, number) = (desk.tenant, phone("+6281234567890"));
        let ana = desk.created("Ana", std::slice::from_ref(&number)).await;
        desk.set_tenant(rapport_foundation::testing::tenant());
        let own = desk.created("Own", &[]).await.id;
        for refused in refusals(&desk, &own, &ana).await {
            assert_eq!(refused.code(), Code::NotFound, "{refused:?}");
            assert!(!refused.message().contains(&ana.id));
        }
        // The same number is somebody else here.
        let resolved = desk.resolved("pbx", std::slice::from_ref(&number)).await;
        assert!(resolved.created);
        let listed = desk
            .list_customers(pb::ListCustomersRequest::default())
            .await
            .unwrap();
        assert_eq!(listed.customers.len(), 2);
        assert!(
            listed
                .customers
                .iter()
                .all(|customer| customer.id != ana.id)
        );
        desk.set_tenant(ours);
        assert_eq!(desk.got(&ana.id).await, ana);
        desk.holds().await;
    })
    .await;
}

#[tokio::test]
async fn a_request_id_is_one_principals_in_one_tenant() {
    on_every_desk(async |mut desk: Desk| {
        let request = crate::desk::create("Ana", &[]);
        let first = desk
            .create_customer(request.clone())
            .await
            .unwrap()
            .customer
            .unwrap();
        desk.set_tenant(rapport_foundation::testing::tenant());
        let second = desk
            .create_customer(request)
            .await
            .unwrap()
            .customer
            .unwrap();
        assert_ne!(first.id, second.id);
    })
    .await;
}
