//! What a panel says in words is what it asks for: the quantile in its name, the group of its row, the service that is chosen,
//! the thresholds in its description, now and not last week.

mod alerts;
mod compared;
mod copies;
mod outcomes;
mod panel;
mod quantiles;
mod ranks;
mod readable;
mod services;
mod states;
mod tiles;
mod times;

use super::{Check, Example, Proof};
use crate::artifacts::Role;
use crate::diagnostic::Diagnostic;
use crate::stack::Stack;
use crate::stack::dashboards::panels_in_groups;
use panel::Panel;
use std::collections::HashMap;

pub(crate) const PROOF: Proof = Proof {
    code: "panel-promise",
    doc: "A copied panel keeps the query of the one that it was copied from, and nothing is broken: it draws a line, in the right unit, of something else than it says.",
    example: Example::Rendered {
        role: Role::Dashboard,
        pointer: "/panels/type=stat/options/reduceOptions/calcs",
        bad: r#"["count"]"#,
    },
    check: Check::Stack(check),
};

fn check(stack: &Stack) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for file in stack.files.dashboards() {
        // What is asked → the panels that ask it: only those can be copies of each other.
        let mut drawn: HashMap<Vec<&str>, Vec<Panel>> = HashMap::new();
        for (pointer, panel, group) in panels_in_groups(&file.value, &stack.catalog.groups) {
            let queries = stack.queries(&file.path, &pointer);
            let said = ["title", "description"].map(|key| panel[key].as_str().unwrap_or_default());
            let one = Panel {
                stack,
                file,
                panel,
                pointer,
                queries,
                words: said.join(". ").to_lowercase(),
            };
            found.extend(one.quantiles_otherwise_named());
            found.extend(group.and_then(|group| one.outside_the_group_of_its_row(group)));
            found.extend(one.one_service_whatever_is_chosen());
            found.extend(one.threshold_otherwise_than_the_rule());
            found.extend(one.misspelt_alert());
            found.extend(one.rounded_away());
            found.extend(one.red_from_elsewhere());
            found.extend(one.more_than_is_shown());
            found.extend(one.lines_apart_from_their_threshold());
            found.extend(one.active_without_pending());
            found.extend(one.another_value_than_the_one());
            found.extend(one.past_shown_as_now());
            found.extend(one.times_in_place_of_values());
            found.extend(one.no_line_where_its_alert_fires());
            found.extend(one.plain_number_of_a_unit());
            found.extend(one.number_of_another_alert());
            found.extend(one.opposite_of_its_alert());
            found.extend(one.one_text_for_both_sides());
            found.extend(one.another_budget());
            found.extend(one.another_rest_of_the_budget());
            found.extend(one.called_as_another_alert());
            found.extend(one.other_end_than_the_alert());
            found.extend(one.another_time_unsaid());
            found.extend(one.long_time_unsaid());
            found.extend(one.another_time_said());
            found.extend(one.another_pace_said());
            found.extend(one.failures_in_green_or_hidden());
            found.extend(one.values_mixed_up());
            found.extend(one.number_where_nothing_is());
            found.extend(one.other_end_or_number());
            found.extend(one.stacked_quantiles());
            found.extend(one.part_of_the_time_shown());
            found.extend(one.another_class_of_answers());
            found.extend(one.some_answers_unsaid());
            found.extend(one.extreme_as_average());
            found.extend(one.more_than_this_service());
            found.extend(one.samples_of_another_length());
            found.extend(one.beginnings_stepped_over());
            let asked = one.queries.iter().map(|query| query.written.as_str());
            let alike = drawn.entry(asked.collect()).or_default();
            found.extend(alike.iter().find_map(|other| one.same_query_as(other)));
            found.extend(one.same_query_twice());
            alike.push(one);
        }
    }
    found
}
