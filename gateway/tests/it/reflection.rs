//! Server reflection: two versions of the protocol, one scope, and nothing when it is off (S24).

use futures::StreamExt as _;
use rapport_foundation::channel::Channel;
use rapport_gateway::Protection;
use serde_json::json;
use tonic::{Code, Request, Status};

use crate::fixture::{Fixture, Plan};
use crate::tokens;

/// The services that one version of the protocol lists.
macro_rules! services {
    ($version:ident, $fixture:expr, $token:expr) => {{
        use tonic_reflection::pb::$version as pb;
        let channel = Channel::connect(&format!("http://{}", $fixture.address), None).unwrap();
        let mut client = pb::server_reflection_client::ServerReflectionClient::new(channel);
        let question = pb::ServerReflectionRequest {
            host: String::new(),
            message_request: Some(pb::server_reflection_request::MessageRequest::ListServices(
                String::new(),
            )),
        };
        let mut request = Request::new(futures::stream::iter([question]));
        let bearer = format!("Bearer {}", $token);
        request
            .metadata_mut()
            .insert("authorization", bearer.parse().unwrap());
        match client.server_reflection_info(request).await {
            Err(status) => Err(status),
            Ok(answers) => match answers.into_inner().next().await {
                Some(Ok(answer)) => match answer.message_response.unwrap() {
                    pb::server_reflection_response::MessageResponse::ListServicesResponse(list) => {
                        Ok(list.service.into_iter().map(|one| one.name).collect())
                    }
                    other => panic!("{other:?}"),
                },
                Some(Err(status)) => Err(status),
                None => panic!("an answer to every question"),
            },
        }
    }};
}

/// What either version answers to a token.
async fn both(fixture: &Fixture, token: &str) -> [Result<Vec<String>, Status>; 2] {
    [
        services!(v1, fixture, token),
        services!(v1alpha, fixture, token),
    ]
}

async fn open(off: &[Protection]) -> Fixture {
    let mut plan = Plan::default();
    plan.config.reflection = true;
    plan.off = off.to_vec();
    plan.open().await
}

fn token(fixture: &Fixture, roles: &[&str], scope: &str) -> String {
    let mut claims = tokens::claims(&fixture.tenant.to_string(), roles, fixture.now());
    claims["scope"] = json!(scope);
    fixture.key.token(&claims)
}

#[tokio::test]
async fn reflection_tells_our_services_to_those_who_hold_its_scope_in_both_versions() {
    let fixture = open(&[]).await;
    for (roles, scope) in [
        (&["manager"][..], ""),
        (&["operator"], ""),
        (&[], "access.reflect"),
    ] {
        for answer in both(&fixture, &token(&fixture, roles, scope)).await {
            let services = answer.unwrap();
            for service in [
                "rapport.profiles.v1.CustomerService",
                "rapport.access.v1.TenantService",
            ] {
                assert!(
                    services.iter().any(|one| one == service),
                    "{service}: {services:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn reflection_tells_nothing_without_its_scope_or_without_a_token() {
    let fixture = open(&[]).await;
    let others = without_the_scope(&fixture);
    for (token, code) in [
        (others.as_str(), Code::PermissionDenied),
        ("nobody", Code::Unauthenticated),
    ] {
        for answer in both(&fixture, token).await {
            assert_eq!(answer.unwrap_err().code(), code);
        }
    }
    let fixture = open(&[Protection::Scope]).await;
    for answer in both(&fixture, &without_the_scope(&fixture)).await {
        assert!(answer.is_ok(), "nothing but the scope keeps them out");
    }
}

fn without_the_scope(fixture: &Fixture) -> String {
    let roles = ["agent", "supervisor", "connector"];
    token(fixture, &roles, "access.read profiles.read")
}

#[tokio::test]
async fn reflection_is_not_there_when_it_is_off() {
    let fixture = Fixture::open().await;
    let token = token(&fixture, &["manager"], "access.reflect");
    for answer in both(&fixture, &token).await {
        assert_eq!(answer.unwrap_err().code(), Code::Unimplemented);
    }
}
