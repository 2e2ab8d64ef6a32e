//! Bad input: everything that is wrong with a request is told at once.

use rapport_proto::profiles::v1 as pb;
use rapport_proto::types::v1::Identifier;
use tonic::Code;

use crate::desk::{
    create, email, fresh, handle, merge, on_every_desk, phone, reason, resolve, violations,
};

fn pairs(found: &[(String, String)]) -> Vec<(&str, &str)> {
    found
        .iter()
        .map(|(field, reason)| (field.as_str(), reason.as_str()))
        .collect()
}

#[tokio::test]
async fn a_bad_resolution_tells_every_violation() {
    on_every_desk(async |desk| {
        let unknown = Identifier {
            r#type: 99,
            value: "x".into(),
            namespace: String::new(),
        };
        let untyped = Identifier {
            r#type: 0,
            value: "\u{0}".into(),
            namespace: String::new(),
        };
        let request = pb::ResolveCustomerRequest {
            identifiers: vec![
                phone("anonymous"),
                email("nobody"),
                handle("", "@"),
                unknown,
                untyped,
                handle("a b", &"x".repeat(321)),
            ],
            hints: Some(pb::CustomerHints {
                display_name: "n".repeat(201),
                language: "not a language".into(),
                time_zone: "Asia/Nowhere".into(),
                region: "ZZ".into(),
            }),
            source: "two\nlines".into(),
            seen_time: Some(prost_types::Timestamp {
                seconds: -1,
                nanos: 0,
            }),
        };
        let found = violations(&desk.resolve_customer(request).await.unwrap_err());
        assert_eq!(
            pairs(&found),
            [
                ("hints.display_name", "TOO_LONG"),
                ("hints.language", "INVALID_LANGUAGE"),
                ("hints.region", "UNKNOWN_REGION"),
                ("hints.time_zone", "UNKNOWN_TIME_ZONE"),
                ("identifiers[0].value", "INVALID_PHONE"),
                ("identifiers[1].value", "INVALID_EMAIL"),
                ("identifiers[2].namespace", "REQUIRED"),
                ("identifiers[2].value", "INVALID_HANDLE"),
                ("identifiers[3].type", "UNKNOWN_VALUE"),
                ("identifiers[4].type", "REQUIRED"),
                ("identifiers[4].value", "CONTROL_CHARACTER"),
                ("identifiers[5].namespace", "MALFORMED_NAMESPACE"),
                ("identifiers[5].value", "TOO_LONG"),
                ("seen_time", "IMPOSSIBLE_TIME"),
                ("source", "CONTROL_CHARACTER"),
            ]
        );
        let found = violations(&desk.resolve_customer(resolve("", &[])).await.unwrap_err());
        assert_eq!(
            pairs(&found),
            [("identifiers", "REQUIRED"), ("source", "REQUIRED")]
        );
        let many: Vec<_> = (0..12).map(|at| handle("web", &at.to_string())).collect();
        let found = violations(
            &desk
                .resolve_customer(resolve("web", &many))
                .await
                .unwrap_err(),
        );
        assert_eq!(pairs(&found), [("identifiers", "TOO_MANY")]);
    })
    .await;
}

#[tokio::test]
async fn what_the_service_sets_cannot_be_set_by_hand() {
    on_every_desk(async |desk| {
        let ana = desk.created("Ana", &[phone("+6281234567890")]).await;
        let mut everything = ana.clone();
        everything.merged_into_customer_id = ana.id.clone();
        everything.possible_same_as_customer_ids = vec![ana.id.clone()];
        everything.delete_time = ana.create_time;
        let expected: Vec<(String, String)> = [
            "create_time",
            "delete_time",
            "etag",
            "id",
            "identifiers",
            "merged_into_customer_id",
            "possible_same_as_customer_ids",
            "record_ids",
            "state",
            "update_time",
        ]
        .into_iter()
        .map(|field| (format!("customer.{field}"), "OUTPUT_ONLY".to_owned()))
        .collect();
        let request = pb::CreateCustomerRequest {
            customer: Some(everything.clone()),
            ..create("", &[])
        };
        assert_eq!(
            violations(&desk.create_customer(request).await.unwrap_err()),
            expected
        );
        let request = pb::UpdateCustomerRequest {
            request_id: fresh(),
            customer_id: ana.id.clone(),
            customer: Some(everything),
            update_mask: None,
            etag: String::new(),
        };
        assert_eq!(
            violations(&desk.update_customer(request).await.unwrap_err()),
            expected
        );
        assert_eq!(desk.got(&ana.id).await, ana);
    })
    .await;
}

#[tokio::test]
async fn a_bad_change_tells_every_violation() {
    on_every_desk(async |desk| {
        let request = pb::UpdateCustomerRequest {
            request_id: "7".into(),
            customer_id: "rec_1".into(),
            customer: None,
            update_mask: Some(prost_types::FieldMask {
                paths: vec!["display_name".into(), "tenant_id".into()],
            }),
            etag: "new".into(),
        };
        let found = violations(&desk.update_customer(request).await.unwrap_err());
        assert_eq!(
            pairs(&found),
            [
                ("customer", "REQUIRED"),
                ("customer_id", "MALFORMED_ID"),
                ("etag", "MALFORMED_ETAG"),
                ("request_id", "MALFORMED_ID"),
                ("update_mask", "UNKNOWN_FIELD"),
            ]
        );
        let bad = pb::Customer {
            display_name: "a\u{7}".into(),
            given_name: "g".repeat(201),
            kind: 7,
            lifecycle_stage: -1,
            preferences: Some(pb::Preferences {
                channel: 70_000,
                language: "?".into(),
                time_zone: "+8".into(),
            }),
            ..pb::Customer::default()
        };
        let mut request = create("", &[phone("+6281234567890"), phone("0812 3456 7890")]);
        request.customer = Some(bad);
        request.region = "Indonesia".into();
        let found = violations(&desk.create_customer(request).await.unwrap_err());
        assert_eq!(
            pairs(&found),
            [
                ("customer.display_name", "CONTROL_CHARACTER"),
                ("customer.given_name", "TOO_LONG"),
                ("customer.kind", "UNKNOWN_VALUE"),
                ("customer.lifecycle_stage", "UNKNOWN_VALUE"),
                ("customer.preferences.channel", "UNKNOWN_VALUE"),
                ("customer.preferences.language", "INVALID_LANGUAGE"),
                ("customer.preferences.time_zone", "UNKNOWN_TIME_ZONE"),
                ("identifiers[1].value", "DUPLICATE"),
                ("region", "UNKNOWN_REGION"),
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn a_bad_merge_removal_or_listing_is_refused() {
    on_every_desk(async |desk| {
        let ana = desk.created("Ana", &[]).await.id;
        let mut same = merge(&ana, &ana);
        same.reason = "r".repeat(501);
        same.request_id = String::new();
        let found = violations(&desk.merge_customers(same).await.unwrap_err());
        assert_eq!(
            pairs(&found),
            [
                ("merged_customer_id", "SAME_CUSTOMER"),
                ("reason", "TOO_LONG"),
                ("request_id", "REQUIRED")
            ]
        );
        let request = pb::AddIdentifierRequest {
            request_id: fresh(),
            customer_id: String::new(),
            identifier: None,
            etag: String::new(),
        };
        let found = violations(&desk.add_identifier(request).await.unwrap_err());
        assert_eq!(
            pairs(&found),
            [("customer_id", "REQUIRED"), ("identifier", "REQUIRED")]
        );
        let request = pb::RemoveIdentifierRequest::default();
        let found = violations(&desk.remove_identifier(request).await.unwrap_err());
        assert_eq!(
            pairs(&found),
            [
                ("customer_id", "REQUIRED"),
                ("identifier_id", "REQUIRED"),
                ("request_id", "REQUIRED")
            ]
        );
        let request = pb::ListCustomersRequest {
            page_size: -1,
            identifier: Some(email("x")),
            ..pb::ListCustomersRequest::default()
        };
        let found = violations(&desk.list_customers(request).await.unwrap_err());
        assert_eq!(
            pairs(&found),
            [
                ("identifier.value", "INVALID_EMAIL"),
                ("page_size", "OUT_OF_RANGE")
            ]
        );
        let found = violations(
            &desk
                .delete_customer(pb::DeleteCustomerRequest::default())
                .await
                .unwrap_err(),
        );
        assert_eq!(
            pairs(&found),
            [("customer_id", "REQUIRED"), ("request_id", "REQUIRED")]
        );
    })
    .await;
}

#[tokio::test]
async fn a_page_token_is_good_for_its_own_query_only() {
    on_every_desk(async |desk| {
        for name in ["A", "B", "C"] {
            desk.created(name, &[]).await;
        }
        let first = pb::ListCustomersRequest {
            page_size: 1,
            ..pb::ListCustomersRequest::default()
        };
        let token = desk
            .list_customers(first.clone())
            .await
            .unwrap()
            .next_page_token;
        let with = |request: pb::ListCustomersRequest| pb::ListCustomersRequest {
            page_token: token.clone(),
            ..request
        };
        for other in [
            with(pb::ListCustomersRequest {
                show_deleted: true,
                ..first.clone()
            }),
            with(pb::ListCustomersRequest {
                identifier: Some(phone("+6281234567890")),
                ..first.clone()
            }),
            pb::ListCustomersRequest {
                page_token: "forged".into(),
                ..first.clone()
            },
        ] {
            let refused = desk.list_customers(other).await.unwrap_err();
            assert_eq!(
                (refused.code(), reason(&refused).as_str()),
                (Code::InvalidArgument, "PAGE_TOKEN_FOREIGN")
            );
        }
        let next = with(pb::ListCustomersRequest {
            page_size: 2,
            ..first
        });
        assert_eq!(
            desk.list_customers(next).await.unwrap().customers.len(),
            2,
            "the size of a page may change"
        );
        let stranger = desk.of_stranger();
        let refused = stranger.list_customers(pb::ListCustomersRequest {
            page_token: token,
            ..Default::default()
        });
        assert_eq!(reason(&refused.await.unwrap_err()), "PAGE_TOKEN_FOREIGN");
    })
    .await;
}
