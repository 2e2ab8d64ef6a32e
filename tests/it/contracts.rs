//! What every contract must carry. A new RPC without it is a red test here.

use std::collections::BTreeSet;

use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, ExtensionDescriptor, MethodDescriptor, Value};
use rapport_proto::options::v1::{DeadlineClass, MethodPolicy, RateClass};

/// The contracts with their comments.
fn contracts() -> DescriptorPool {
    DescriptorPool::decode(rapport_proto::DOCUMENTED_DESCRIPTOR_SET).unwrap()
}

fn extension(pool: &DescriptorPool, name: &str) -> ExtensionDescriptor {
    pool.get_extension_by_name(name).unwrap()
}

fn methods(pool: &DescriptorPool) -> Vec<MethodDescriptor> {
    let ours = pool
        .services()
        .filter(|service| service.full_name().starts_with("rapport."));
    ours.flat_map(|service| service.methods().collect::<Vec<_>>())
        .collect()
}

fn policy(method: &MethodDescriptor) -> Option<MethodPolicy> {
    let extension = extension(method.parent_pool(), "rapport.options.v1.policy");
    let options = method.options();
    if !options.has_extension(&extension) {
        return None;
    }
    match options.get_extension(&extension).as_ref() {
        Value::Message(message) => message.transcode_to().ok(),
        _ => None,
    }
}

fn wrong_policies(pool: &DescriptorPool) -> Vec<String> {
    let mut wrong = Vec::new();
    for method in methods(pool) {
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
    wrong
}

#[test]
fn every_rpc_has_a_complete_policy() {
    let wrong = wrong_policies(&contracts());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn wrong_paths(pool: &DescriptorPool) -> Vec<String> {
    let http = extension(pool, "google.api.http");
    let (mut wrong, mut seen) = (Vec::new(), BTreeSet::new());
    for method in methods(pool) {
        let name = method.full_name();
        let options = method.options();
        if !options.has_extension(&http) {
            wrong.push(format!("{name}: no http path"));
            continue;
        }
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
        if !pattern.contains(" /v1/") {
            wrong.push(format!("{name}: path {pattern:?}"));
        }
        for field in path_fields(&pattern) {
            if method.input().get_field_by_name(field).is_none() {
                wrong.push(format!(
                    "{name}: the path names {field}, the request does not"
                ));
            }
        }
        if !seen.insert(pattern.clone()) {
            wrong.push(format!("{pattern} leads to two RPCs"));
        }
    }
    wrong
}

#[test]
fn every_rpc_has_its_own_http_path() {
    let wrong = wrong_paths(&contracts());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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
        "rapport.interactions.v1.InteractionService.UploadInteractions",
        "rapport.interactions.v1.InteractionService.EndContact",
        "rapport.interactions.v1.FactService.RecordFact",
        "rapport.interactions.v1.OutboundService.DeliverOutbound",
        "rapport.interactions.v1.MediaService.AppendUpload",
        "rapport.interactions.v1.MediaService.StreamUpload",
        "rapport.interactions.v1.MediaService.FinishUpload",
        "rapport.profiles.v1.CustomerService.ResolveCustomer",
        "rapport.routing.v1.ContactCommandService.DeliverCommands",
    ];
    let pool = contracts();
    let http = extension(&pool, "google.api.http");
    for method in methods(&pool) {
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

fn without_comment(pool: &DescriptorPool) -> Vec<String> {
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
                // What the compiler makes of an optional field is in nobody's file.
                .filter(|o| !o.is_synthetic())
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
    bare
}

#[test]
fn every_element_of_the_contracts_has_a_comment() {
    let bare = without_comment(&contracts());
    assert!(bare.is_empty(), "without a comment: {bare:#?}");
}

/// The contracts with something changed in the file of the first RPC of profiles.
fn changed(change: impl Fn(&mut DynamicMessage)) -> DescriptorPool {
    let pool = contracts();
    let kind = pool.get_message_by_name("google.protobuf.FileDescriptorSet");
    let set = rapport_proto::DOCUMENTED_DESCRIPTOR_SET;
    let mut set = DynamicMessage::decode(kind.unwrap(), set).unwrap();
    let files = set.get_field_by_name_mut("file").unwrap();
    let file = files.as_list_mut().unwrap().iter_mut().find_map(|file| {
        let file = file.as_message_mut()?;
        let package = file.get_field_by_name("package")?;
        let ours = package.as_str() == Some("rapport.profiles.v1");
        (ours && file.has_field_by_name("service")).then_some(file)
    });
    change(file.unwrap());
    DescriptorPool::decode(set.encode_to_vec().as_slice()).unwrap()
}

/// The first element of a repeated field of messages.
fn first<'a>(message: &'a mut DynamicMessage, field: &str) -> &'a mut DynamicMessage {
    let list = message.get_field_by_name_mut(field).unwrap();
    let first = list.as_list_mut().unwrap().first_mut();
    first.unwrap().as_message_mut().unwrap()
}

#[test]
fn an_rpc_without_policy_path_or_comment_does_not_go_unnoticed() {
    let without_option = |name: &'static str| {
        changed(|file| {
            let method = first(first(file, "service"), "method");
            let options = method.get_field_by_name_mut("options").unwrap();
            let options = options.as_message_mut().unwrap();
            let option = options
                .extensions()
                .map(|(known, _)| known)
                .find(|known| known.full_name() == name);
            options.clear_extension(&option.unwrap());
        })
    };
    let wrong = wrong_policies(&without_option("rapport.options.v1.policy"));
    assert!(
        matches!(&wrong[..], [one] if one.ends_with(": has no policy")),
        "{wrong:?}"
    );
    let wrong = wrong_paths(&without_option("google.api.http"));
    assert!(
        matches!(&wrong[..], [one] if one.ends_with(": no http path")),
        "{wrong:?}"
    );
    let silent = changed(|file| {
        let info = file.get_field_by_name_mut("source_code_info").unwrap();
        let places = info.as_message_mut().unwrap();
        let places = places.get_field_by_name_mut("location").unwrap();
        for place in places.as_list_mut().unwrap() {
            let place = place.as_message_mut().unwrap();
            let path = place.get_field_by_name("path").unwrap().into_owned();
            let path = path
                .as_list()
                .unwrap()
                .iter()
                .map(|at| at.as_i32().unwrap());
            // service 0, method 0
            if path.eq([6, 0, 2, 0]) {
                place.clear_field_by_name("leading_comments");
            }
        }
    });
    assert_eq!(without_comment(&silent).len(), 1);
}

#[test]
fn no_request_names_a_tenant_outside_of_tenant_management() {
    for method in methods(&contracts()) {
        let input = method.input();
        let names_tenant = input.get_field_by_name("tenant_id").is_some();
        assert!(
            !names_tenant || input.package_name() == "rapport.access.v1",
            "{}: the tenant comes from the credential",
            method.full_name()
        );
    }
}
