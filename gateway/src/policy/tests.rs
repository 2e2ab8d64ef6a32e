#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use prost::Message as _;
use prost_reflect::DynamicMessage;

use super::*;

#[test]
fn every_method_of_the_contracts_has_a_complete_policy_and_a_role_that_serves_it() {
    let policies = Policies::read(rapport_proto::pool()).unwrap();
    assert!(policies.all().count() > 50);
    for role in Role::ALL {
        assert!(
            policies.all().any(|method| method.upstream == role),
            "{role}"
        );
    }
}

#[test]
fn internal_methods_are_not_found_from_outside() {
    let policies = Policies::read(rapport_proto::pool()).unwrap();
    assert!(
        policies
            .find(
                "/rapport.profiles.v1.LogService/WatchHeads",
                Protections::default()
            )
            .is_none()
    );
    assert!(
        policies
            .find(
                "/rapport.profiles.v1.LogService/ReadLog",
                Protections::default()
            )
            .is_some()
    );
    assert!(
        policies
            .find(
                "/rapport.profiles.v1.logservice/readlog",
                Protections::default()
            )
            .is_none()
    );
}

#[test]
fn a_method_without_policy_keeps_the_gateway_from_starting_and_is_named() {
    let options = rapport_proto::pool()
        .get_file_by_name("rapport/options/v1/policy.proto")
        .unwrap();
    let mut pool = DescriptorPool::new();
    let files = options.dependencies().chain([options.clone()]);
    pool.add_file_descriptor_protos(files.map(|file| file.file_descriptor_proto().clone()))
        .unwrap();
    let bare = prost_types_file();
    pool.add_file_descriptor_proto(bare).unwrap();
    assert_eq!(
        faults(&pool),
        ["/rapport.profiles.v1.Bare/Call: it has no policy"]
    );
}

fn faults(pool: &DescriptorPool) -> Vec<String> {
    let Err(Incomplete(faults)) = Policies::read(pool) else {
        panic!("contracts with a hole were accepted");
    };
    faults
}

/// The contracts of the suite, the policy of one method changed.
fn contracts_with(
    service: &str,
    method: &str,
    change: impl Fn(&mut MethodPolicy),
) -> DescriptorPool {
    let pool = rapport_proto::pool();
    let set = pool
        .get_message_by_name("google.protobuf.FileDescriptorSet")
        .unwrap();
    let mut set = DynamicMessage::decode(set, rapport_proto::FILE_DESCRIPTOR_SET).unwrap();
    let policy = policy_of(&mut set, service, method);
    let mut changed: MethodPolicy = policy.transcode_to().unwrap();
    change(&mut changed);
    policy.clear();
    policy.transcode_from(&changed).unwrap();
    DescriptorPool::decode(set.encode_to_vec().as_slice()).unwrap()
}

fn policy_of<'a>(
    set: &'a mut DynamicMessage,
    service: &str,
    method: &str,
) -> &'a mut DynamicMessage {
    let policy = rapport_proto::pool()
        .get_extension_by_name("rapport.options.v1.policy")
        .unwrap();
    let files = each(set, "file");
    let services = files.flat_map(|file| each(file, "service"));
    let mut methods = services
        .filter(|one| is_named(one, service))
        .flat_map(|one| each(one, "method"));
    let found = methods.find(|one| is_named(one, method));
    let options = found.unwrap().get_field_by_name_mut("options").unwrap();
    let options = options.as_message_mut().unwrap();
    options.get_extension_mut(&policy).as_message_mut().unwrap()
}

fn each<'a>(
    message: &'a mut DynamicMessage,
    field: &str,
) -> impl Iterator<Item = &'a mut DynamicMessage> + use<'a> {
    let list = message.get_field_by_name_mut(field);
    let list = list.and_then(Value::as_list_mut).unwrap();
    list.iter_mut().filter_map(Value::as_message_mut)
}

fn is_named(message: &DynamicMessage, name: &str) -> bool {
    let field = message.get_field_by_name("name");
    field.is_some_and(|field| field.as_str() == Some(name))
}

#[test]
fn a_policy_that_leaves_something_open_keeps_the_gateway_from_starting() {
    type Change = fn(&mut MethodPolicy);
    let changes: [(&str, Change); 6] = [
        ("its policy names no scope", |policy| policy.scope.clear()),
        ("its policy names no rate or no deadline class", |policy| {
            policy.set_rate(RateClass::Unspecified)
        }),
        ("its policy names no rate or no deadline class", |policy| {
            policy.set_deadline(DeadlineClass::Unspecified)
        }),
        ("its policy names no rate or no deadline class", |policy| {
            policy.set_rate(RateClass::Unspecified);
            policy.set_deadline(DeadlineClass::Unspecified);
        }),
        ("its policy names an unknown role", |policy| {
            policy.roles.push(HolderRole::Unspecified.into());
        }),
        ("its policy names an unknown role", |policy| {
            policy.roles.push(1_000);
        }),
    ];
    for (fault, change) in changes {
        let pool = contracts_with("CustomerService", "GetCustomer", change);
        let expected = format!("/rapport.profiles.v1.CustomerService/GetCustomer: {fault}");
        assert_eq!(faults(&pool), [expected]);
    }
    let unchanged = contracts_with("CustomerService", "GetCustomer", |_| ());
    let (read, ours) = (
        Policies::read(&unchanged),
        Policies::read(rapport_proto::pool()),
    );
    assert_eq!(read.unwrap().0, ours.unwrap().0);
}

fn prost_types_file() -> prost_types::FileDescriptorProto {
    prost_types::FileDescriptorProto {
        name: Some("bare.proto".into()),
        package: Some("rapport.profiles.v1".into()),
        syntax: Some("proto3".into()),
        message_type: vec![prost_types::DescriptorProto {
            name: Some("Nothing".into()),
            ..Default::default()
        }],
        service: vec![prost_types::ServiceDescriptorProto {
            name: Some("Bare".into()),
            method: vec![prost_types::MethodDescriptorProto {
                name: Some("Call".into()),
                input_type: Some(".rapport.profiles.v1.Nothing".into()),
                output_type: Some(".rapport.profiles.v1.Nothing".into()),
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    }
}

#[test]
fn roles_are_known_by_their_exact_names() {
    let roles = Roles::named(["agent", "end_customer", "AGENT", "unspecified", "emperor"]);
    assert!(roles.holds(HolderRole::Agent) && roles.holds(HolderRole::EndCustomer));
    assert_eq!(
        roles,
        [HolderRole::Agent, HolderRole::EndCustomer]
            .into_iter()
            .collect()
    );
}

#[test]
fn a_role_that_is_named_twice_is_held_and_the_roles_come_in_the_order_of_the_contract() {
    let twice = Roles::named(["manager", "agent", "agent"]);
    assert!(twice.holds(HolderRole::Agent) && !twice.holds(HolderRole::Operator));
    assert_eq!(
        twice.iter().collect::<Vec<_>>(),
        [HolderRole::Agent, HolderRole::Manager]
    );
    assert_eq!(Roles::default().iter().count(), 0);
    let nobody = Roles::default();
    assert!(!nobody.meets(twice) && !nobody.meets(nobody));
}

#[test]
fn what_only_operators_hold_is_of_the_installation() {
    let policies = Policies::read(rapport_proto::pool()).unwrap();
    let find = |path| policies.find(path, Protections::default()).unwrap();
    let tenants = find("/rapport.access.v1.TenantService/CreateTenant");
    assert!(tenants.is_of_the_installation());
    let customers = find("/rapport.profiles.v1.CustomerService/GetCustomer");
    assert!(!customers.is_of_the_installation());
}

#[test]
fn methods_of_other_contracts_stand_beside_those_of_the_suite() {
    let ours = Policies::read(rapport_proto::pool()).unwrap();
    let known = "/rapport.profiles.v1.CustomerService/GetCustomer";
    let other = Method {
        path: "/another.v1.Service/Call".into(),
        ..Method::clone(ours.find(known, Protections::default()).unwrap())
    };
    let count = ours.all().count();
    let both = ours.with([other.clone()]);
    assert_eq!(both.all().count(), count + 1);
    let found = |path: &str| both.find(path, Protections::default());
    assert_eq!(found(&other.path).map(AsRef::as_ref), Some(&other));
    assert!(found(known).is_some());
}
