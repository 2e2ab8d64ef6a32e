//! A plan for people.

use super::files::title;
use super::plan::{Action, Change, Plan};
use super::write::compact;

/// The lines of a plan: what is made, what is changed part by part, and how much is left.
pub(super) fn lines(plan: &Plan) -> Vec<String> {
    let mut lines: Vec<String> = plan.changes.iter().flat_map(change).collect();
    for unnamed in &plan.not_in_files {
        let kind = super::kinds::kind(unnamed.kind);
        let name = kind.map_or_else(String::new, |kind| title(kind, &unnamed.key));
        lines.push(format!(
            "  {name} is in no file, and stays: nothing takes it away"
        ));
    }
    lines.push(sum(plan));
    lines
}

fn change(change: &Change) -> Vec<String> {
    let mark = match change.action {
        Action::Create => '+',
        Action::Change => '~',
        Action::Leave => return Vec::new(),
    };
    let why = if change.unnamed {
        ": it is in no file"
    } else {
        ""
    };
    let mut lines = vec![format!("{mark} {}{why}", change.title())];
    for part in &change.fields {
        let (old, new) = (compact(&part.old), compact(&part.new));
        lines.push(match change.action {
            Action::Create => format!("    {}: {new}", part.field),
            _ => format!("    {}: {old} → {new}", part.field),
        });
    }
    let effect = change.effect.iter();
    lines.extend(effect.map(|effect| format!("    ({effect})")));
    lines
}

fn sum(plan: &Plan) -> String {
    let count = |action: Action| {
        let of_action = plan.changes.iter().filter(|change| change.action == action);
        of_action.count()
    };
    format!(
        "{} to be made, {} to be changed, {} as they are",
        count(Action::Create),
        count(Action::Change),
        count(Action::Leave)
    )
}
