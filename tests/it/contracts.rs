//! What every contract must carry. A new RPC without it is a red test here.

use std::collections::BTreeSet;

use prost_reflect::{DescriptorPool, ExtensionDescriptor, MethodDescriptor, Value};
use rapport_proto::options::v1::{DeadlineClass, MethodPolicy, RateClass};

fn extension(name: &str) -> ExtensionDescriptor {
    rapport_proto::pool().get_extension_by_name(name).unwrap()
}

fn methods() -> Vec<MethodDescriptor> {
    let services = rapport_proto::pool().services();
    services
        .flat_map(|s| s.methods().collect::<Vec<_>>())
        .collect()
}

fn policy(method: &MethodDescriptor) -> Option<MethodPolicy> {
    let extension = extension("rapport.options.v1.policy");
    let options = method.options();
    if !options.has_extension(&extension) {
        return None;
    }
    match options.get_extension(&extension).as_ref() {
        Value::Message(message) => message.transcode_to().ok(),
        _ => None,
    }
}

#[test]
fn every_rpc_has_a_complete_policy() {
    let mut wrong = Vec::new();
    for method in methods() {
        let name = method.full_name();
        let Some(policy) = policy(&method) else {
            wrong.push(format!("{name}: has no policy"));
            continue;
        };
        let streams = method.is_client_streaming() || method.is_server_streaming();
        let deadline = DeadlineClass::try_from(policy.deadline).unwrap_or_default();
        if policy.scope.is_empty() {
            wrong.push(format!("{name}: names no scope"));
        }
        if policy.roles.is_empty() != policy.internal {
            wrong.push(format!(
                "{name}: roles hold a scope by default, unless it is internal"
            ));
        }
        if matches!(
            RateClass::try_from(policy.rate),
            Ok(RateClass::Unspecified) | Err(_)
        ) {
            wrong.push(format!("{name}: has no rate class"));
        }
        if deadline == DeadlineClass::Unspecified || streams != (deadline == DeadlineClass::Stream)
        {
            wrong.push(format!("{name}: has the wrong deadline class"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rpc_has_its_own_http_path() {
    let http = extension("google.api.http");
    let mut seen = BTreeSet::new();
    for method in methods() {
        let options = method.options();
        assert!(
            options.has_extension(&http),
            "{}: no http path",
            method.full_name()
        );
        let Value::Message(rule) = options.get_extension(&http).into_owned() else {
            panic!("google.api.http is a message")
        };
        let pattern = ["get", "put", "post", "delete", "patch"]
            .into_iter()
            .find(|verb| rule.has_field_by_name(verb))
            .map(|verb| {
                format!(
                    "{verb} {}",
                    rule.get_field_by_name(verb).unwrap().as_str().unwrap()
                )
            })
            .unwrap_or_default();
        assert!(
            pattern.contains(" /v1/"),
            "{}: path {pattern:?}",
            method.full_name()
        );
        for field in path_fields(&pattern) {
            assert!(
                method.input().get_field_by_name(field).is_some(),
                "{}: the path names {field}, the request does not",
                method.full_name()
            );
        }
        assert!(seen.insert(pattern.clone()), "{pattern} leads to two RPCs");
    }
}

fn path_fields(pattern: &str) -> impl Iterator<Item = &str> {
    pattern
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split('}').next())
}

#[test]
fn every_mutation_can_be_retried() {
    // A natural key stands in for the request id where a connector or a service repeats itself.
    let natural = [
        "rapport.interactions.v1.InteractionService.RecordInteraction",
        "rapport.interactions.v1.InteractionService.StreamInteractions",
        "rapport.interactions.v1.InteractionService.EndContact",
        "rapport.profiles.v1.CustomerService.ResolveCustomer",
    ];
    let http = extension("google.api.http");
    for method in methods() {
        let Value::Message(rule) = method.options().get_extension(&http).into_owned() else {
            panic!("google.api.http is a message")
        };
        let reads = rule.has_field_by_name("get");
        let keyed = method.input().get_field_by_name("request_id").is_some();
        let natural = natural.contains(&method.full_name());
        assert!(
            reads != (keyed || natural),
            "{}: a change carries a request_id, a look-up does not",
            method.full_name()
        );
        if let Some(policy) = policy(&method) {
            let streams = method.is_server_streaming();
            assert!(
                policy.idempotent != streams || policy.idempotent,
                "{}: repeating it must be safe",
                method.full_name()
            );
        }
    }
}

#[test]
fn every_element_of_the_contracts_has_a_comment() {
    let pool = DescriptorPool::decode(rapport_proto::DOCUMENTED_DESCRIPTOR_SET).unwrap();
    let mut bare = Vec::new();
    for file in pool
        .files()
        .filter(|f| f.package_name().starts_with("rapport."))
    {
        let proto = file.file_descriptor_proto();
        let documented: BTreeSet<&[i32]> = proto
            .source_code_info
            .iter()
            .flat_map(|info| &info.location)
            .filter(|location| !location.leading_comments().trim().is_empty())
            .map(|location| location.path.as_slice())
            .collect();
        let mut check = |path: &[i32], name: &str| {
            if !documented.contains(path) {
                bare.push(name.to_owned());
            }
        };
        for message in file.messages() {
            check(message.path(), message.full_name());
            message
                .fields()
                .for_each(|f| check(f.path(), f.full_name()));
            message
                .oneofs()
                .for_each(|o| check(o.path(), o.full_name()));
        }
        for choice in file.enums() {
            check(choice.path(), choice.full_name());
            choice.values().for_each(|v| check(v.path(), v.full_name()));
        }
        for service in file.services() {
            check(service.path(), service.full_name());
            service
                .methods()
                .for_each(|m| check(m.path(), m.full_name()));
        }
        file.extensions()
            .for_each(|e| check(e.path(), e.full_name()));
    }
    assert!(bare.is_empty(), "without a comment: {bare:#?}");
}

#[test]
fn no_request_names_a_tenant_outside_of_tenant_management() {
    for method in methods() {
        let input = method.input();
        let names_tenant = input.get_field_by_name("tenant_id").is_some();
        assert!(
            !names_tenant || input.package_name() == "rapport.access.v1",
            "{}: the tenant comes from the credential",
            method.full_name()
        );
    }
}
