//! Figures for people.

use rapport_routing::simulate::conformance::{Judgement, Verdict};
use rapport_routing::simulate::{Comparison, Difference, Exact, Figure, Report, Section};

/// What a scenario came to.
pub(crate) fn report(report: &Report) -> Vec<String> {
    let mut lines = vec![
        report.scenario.clone(),
        format!(
            "{} customers in {} runs of {} batches of {} s, the first {} s of each left out; ± is 95 %",
            report.customers,
            report.seeds.len(),
            report.batches,
            short(report.batch_s),
            short(report.warm_up_s),
        ),
    ];
    if report.still_waiting > 0 {
        let count = report.still_waiting;
        lines.push(format!(
            "{count} still waited at the end and are in no wait"
        ));
    }
    if !report.exact.holds() {
        let Exact {
            wrap_ups,
            told,
            refused,
            misplaced,
        } = report.exact;
        lines.push(format!(
            "WRONG: {wrap_ups} lengths of wrap-up, {told} times told, {refused} refusals, {misplaced} offers"
        ));
    }
    for section in &report.sections {
        // Of one there is nothing to tell that is not told of all.
        let alike = report.sections.iter().filter(|s| s.kind == section.kind);
        if section.kind == "all" || alike.count() > 1 {
            lines.extend(of_section(section));
        }
    }
    lines
}

fn of_section(section: &Section) -> Vec<String> {
    let mut lines = vec![String::new(), title(section.kind, &section.code)];
    let never = |figure: &&Figure| {
        let zero = figure.estimate.value == 0.0 && figure.estimate.half_width == 0.0;
        !(zero && ["blocked", "abandoned"].contains(&figure.measure.as_str()))
    };
    for figure in section.figures.iter().filter(never) {
        let (value, half) = (figure.estimate.value, figure.estimate.half_width);
        let shown = shown(&figure.measure, value, half);
        lines.push(format!("  {:<22} {shown}", words(&figure.measure)));
    }
    if let Some((least, most)) = section.least_and_most_occupied {
        lines.push(format!(
            "  {:<22} {} to {}",
            "single agents",
            percent(least),
            percent(most)
        ));
    }
    lines
}

/// How two scenarios differ.
pub(crate) fn comparison(comparison: &Comparison) -> Vec<String> {
    let mut lines = report(&comparison.one);
    lines.push(String::new());
    lines.extend(report(&comparison.other));
    lines.push(String::new());
    lines.push(format!(
        "{} less {}, on the same customers",
        comparison.other.scenario, comparison.one.scenario
    ));
    let mut section = None;
    for difference in &comparison.differences {
        let Difference {
            kind,
            code,
            measure,
            estimate,
        } = difference;
        if section != Some((kind, code)) {
            lines.push(String::new());
            lines.push(title(kind, code));
            section = Some((kind, code));
        }
        if estimate.value == 0.0 && estimate.half_width == 0.0 {
            continue;
        }
        let clear = estimate.value.abs() > estimate.half_width;
        let shown = shown(measure, estimate.value, estimate.half_width);
        let mark = if clear { "" } else { "   not clear" };
        lines.push(format!("  {:<22} {shown}{mark}", words(measure)));
    }
    lines
}

/// Verdicts of one model, with the head of the table before the first.
pub(crate) fn verdicts(verdicts: &[Verdict], first: bool) -> Vec<String> {
    let head = format!(
        "{:<16} {:<22} {:>9} {:>11} {:>11} {:>7} {:>7}  z-scores",
        "model", "figure", "published", "exact", "measured", "± all", "± seed"
    );
    let line = |verdict: &Verdict| {
        let z: Vec<String> = verdict
            .z_scores
            .iter()
            .map(|z| format!("{z:+.2}"))
            .collect();
        format!(
            "{:<16} {:<22} {:>9} {:>11.6} {:>11.6} {:>7} {:>7}  {}{}",
            verdict.model,
            verdict.figure,
            verdict.published,
            verdict.exact,
            verdict.measured,
            percent(verdict.half_width),
            percent(verdict.widest),
            z.join(" "),
            if verdict.faults.is_empty() {
                ""
            } else {
                "  FAILS"
            },
        )
    };
    let head = first.then_some(head).into_iter();
    head.chain(verdicts.iter().map(line)).collect()
}

/// The last line of the suite; the verdicts are told as they come.
pub(crate) fn judgement(judgement: &Judgement) -> Vec<String> {
    let cells: Vec<f64> = judgement
        .verdicts
        .iter()
        .flat_map(|v| v.z_scores.clone())
        .collect();
    let furthest = cells.iter().fold(0.0, |most: f64, z| most.max(z.abs()));
    let far = cells.iter().filter(|z| z.abs() > 3.0).count();
    let mean = cells.iter().sum::<f64>() / cells.len().max(1) as f64;
    vec![format!(
        "{} cells, furthest {furthest:.2}, beyond 3: {far}, mean {mean:+.2}: {}",
        cells.len(),
        if judgement.passes() {
            "conforms"
        } else {
            "does not conform"
        }
    )]
}

fn title(kind: &str, code: &str) -> String {
    match code {
        "" => "everybody".into(),
        code => format!("{kind} {code}"),
    }
}

/// A figure with its interval: shares as percentages, times in seconds.
fn shown(measure: &str, value: f64, half: f64) -> String {
    let share = [
        "delayed",
        "service_level",
        "abandoned",
        "blocked",
        "occupancy",
        "occupancy_spread",
    ];
    let (value, half) = if share.contains(&measure) {
        (percent(value), percent(half))
    } else if measure.ends_with("_s") {
        (format!("{value:.2} s"), format!("{half:.2} s"))
    } else {
        (format!("{value:.2}"), format!("{half:.2}"))
    };
    format!("{value:>12}  ± {half}")
}

/// A measure by its name, as people say it.
fn words(measure: &str) -> String {
    let name = measure.strip_suffix("_s").unwrap_or(measure);
    match name
        .strip_prefix('p')
        .and_then(|rest| rest.strip_suffix("_wait"))
    {
        Some(place) => format!("{place}th percentile"),
        None => name.replace('_', " "),
    }
}

fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

fn short(seconds: f64) -> String {
    format!("{seconds:.0}")
}
