//! Whether services can be together in a layout.

use std::collections::BTreeMap;

use super::layout_error::{LayoutError, PROFILE_MAX, Role};
use super::options::{After, Layout};
use super::service::Service;

impl Layout {
    /// Checks whether these services can be together in this layout.
    ///
    /// # Errors
    /// Every problem, with the index of its service: a service whose name is also the name of something that belongs to another; a profile
    /// with too long a name; services that should start after each other; an order that the layout does not keep.
    pub fn check(self, services: &[Service]) -> Result<(), Vec<(usize, LayoutError)>> {
        let problems = if self.is_s6_rc() { in_s6_rc(services, self) } else { ordered(services) };
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }
}

/// The owner of each name, and what the owner has it for.
type Owners = BTreeMap<String, (usize, Role)>;

/// The services that should start after something although the layout keeps no order.
fn ordered(services: &[Service]) -> Vec<(usize, LayoutError)> {
    let problem = |(index, service): (usize, &Service)| {
        service.after().first().map(|after| (index, LayoutError::NoOrder(service.name(), after.to_string())))
    };
    services.iter().enumerate().filter_map(problem).collect()
}

fn in_s6_rc(services: &[Service], layout: Layout) -> Vec<(usize, LayoutError)> {
    let mut problems = Vec::new();
    let mut taken = Owners::new();
    for (index, service) in services.iter().enumerate() {
        let name = service.name();
        if let Some(profile) = name.profile().filter(|profile| profile.as_str().len() > PROFILE_MAX) {
            problems.push((index, LayoutError::TooLong(profile.clone())));
        }
        for (role, own) in Role::ALL.into_iter().filter_map(|role| Some((role, role.name(&name)?))) {
            match taken.get(&own) {
                Some(&(other, _)) if other == index => {}
                Some(&(other, of_first)) => {
                    let (first, second) = (services[other].name(), name.clone());
                    problems.push((index, LayoutError::Same { first, second, of_first, of_second: role }));
                }
                None => {
                    taken.insert(own, (index, role));
                }
            }
        }
    }
    problems.extend(circle(services, &taken, layout));
    problems
}

/// A circle of services that should start after each other, if there is one, with the index of its first service.
///
/// A service and its logger start after the same things, so they are one step here. The bundle that is started at boot starts all services
/// that do not wait for an operator.
fn circle(services: &[Service], owners: &Owners, layout: Layout) -> Option<(usize, LayoutError)> {
    /// How far the search is with a service.
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Open,
        Done,
    }
    let started: Vec<usize> = (0..services.len()).filter(|&index| !services[index].is_down()).collect();
    let all_started = services.len();
    let next = |node: usize| -> Vec<usize> {
        if node == all_started {
            return started.clone();
        }
        let own_logger = services[node].name().logger();
        let others = services[node].after().iter().map(After::as_str);
        let others = others.filter(|name| own_logger.as_deref() != Some(name));
        others
            .filter_map(|name| {
                if layout.has_all().contains(&name) {
                    Some(all_started)
                } else {
                    owners.get(name).map(|&(index, _)| index)
                }
            })
            .collect()
    };
    let mut marks = vec![Mark::New; services.len() + 1];
    for start in 0..services.len() {
        // The path from the start. Each step has the services that are still to be visited from it. This is not recursive, because a path
        // may be as long as the manifest.
        let mut way: Vec<(usize, Vec<usize>)> = Vec::new();
        if marks[start] == Mark::New {
            marks[start] = Mark::Open;
            way.push((start, next(start)));
        }
        while let Some((node, ahead)) = way.last_mut() {
            let Some(to) = ahead.pop() else {
                marks[*node] = Mark::Done;
                way.pop();
                continue;
            };
            match marks[to] {
                Mark::Done => {}
                Mark::New => {
                    marks[to] = Mark::Open;
                    way.push((to, next(to)));
                }
                Mark::Open => {
                    let begin = way.iter().position(|(node, _)| *node == to).unwrap_or_default();
                    let said = |node: usize| {
                        services.get(node).map_or_else(
                            || format!("bundle {}", layout.bundle().unwrap_or_default()),
                            |service| service.name().to_string(),
                        )
                    };
                    let mut nodes: Vec<usize> = way[begin..].iter().map(|(node, _)| *node).collect();
                    // A message about a circle starts with a service, and the bundle is not a service.
                    if nodes[0] == all_started {
                        nodes.rotate_left(1);
                    }
                    let first = nodes[0];
                    return Some((first, LayoutError::Circle(nodes.into_iter().chain([first]).map(said).collect())));
                }
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Dashboard, Gateway, Options};

    /// Gateways of these profiles, each with the names that it starts after. One called `dashboard` is the dashboard.
    fn services(all: &[(&str, &[&str])]) -> Vec<Service> {
        let options = |after: &[&str]| {
            let after = after.iter().map(|name| name.parse().unwrap()).collect();
            Options { after: Some(after), ..Options::default() }
        };
        let wanted = all.iter().filter(|(name, _)| *name != "dashboard");
        let wanted = wanted.map(|(name, after)| (name.parse().unwrap(), options(after))).collect();
        let dashboard = all.iter().find(|(name, _)| *name == "dashboard");
        let dashboard = dashboard.map(|(_, after)| Service::from(Dashboard::new(options(after)).unwrap()));
        Gateway::resolve(wanted).unwrap().into_iter().map(Service::from).chain(dashboard).collect()
    }

    fn problems(layout: Layout, all: &[(&str, &[&str])]) -> Vec<String> {
        let found = layout.check(&services(all)).err().unwrap_or_default();
        found.into_iter().map(|(index, problem)| format!("{index}: {problem}")).collect()
    }

    #[test]
    fn what_belongs_to_one_is_no_name_of_another() {
        for layout in [Layout::S6Rc, Layout::S6Overlay] {
            assert_eq!(
                problems(layout, &[("x", &[]), ("x-log", &[])]),
                [
                    "1: gateway x and gateway x-log cannot be together in layout s6-rc: gateway-x-log would be the name of both the logger of gateway x and \
                  gateway x-log; rename one of them"
                ]
            );
        }
        assert_eq!(
            problems(Layout::S6Rc, &[("x-pipeline", &[]), ("x", &[])]),
            [
                "1: gateway x-pipeline and gateway x cannot be together in layout s6-rc: gateway-x-pipeline would be the name of both gateway x-pipeline and \
              the pipeline of gateway x; rename one of them"
            ]
        );
        let none: [&str; 0] = [];
        assert_eq!(problems(Layout::S6, &[("x", &[]), ("x-log", &[]), ("x-pipeline", &[])]), none);
        assert_eq!(
            problems(Layout::S6Rc, &[("x-log", &[]), ("y", &[]), ("dashboard", &[]), ("dashboard-log", &[])]),
            none
        );
    }

    #[test]
    fn the_longest_name() {
        let (good, bad) = ("x".repeat(231), "x".repeat(232));
        assert_eq!(problems(Layout::S6Rc, &[(&good, &[])]).len() + problems(Layout::S6, &[(&bad, &[])]).len(), 0);
        let found = problems(Layout::S6Rc, &[(&bad, &[])]);
        assert!(
            found[0].ends_with(
                "x has 232 characters; layout s6-rc has a pipe for the logger of at most 231; choose a shorter name"
            ),
            "{found:?}"
        );
    }

    #[test]
    fn an_order_needs_who_keeps_it() {
        assert_eq!(
            problems(Layout::S6, &[("a", &["mount-data"]), ("b", &[])]),
            [
                "0: gateway a has to start after mount-data, but layout s6 keeps no order; use layout s6-rc or s6-overlay, or omit after"
            ]
        );
    }

    #[test]
    fn circles_are_told_with_their_path() {
        for (all, circle) in [
            (
                &[("a", &["gateway-a"][..])][..],
                "0: gateway a would have to start after itself: gateway a after gateway a",
            ),
            (
                &[("a", &["gateway-a-pipeline"])],
                "0: gateway a would have to start after itself: gateway a after gateway a",
            ),
            (
                &[
                    ("z", &["gateway-a"]),
                    ("a", &["base", "gateway-b"]),
                    ("b", &["gateway-c-pipeline"]),
                    ("c", &["gateway-a"]),
                ],
                "1: gateway a would have to start after itself: gateway a after gateway b after gateway c after gateway a",
            ),
            (
                &[("a", &["gateway-b-log"]), ("b", &["gateway-a-log"])],
                "0: gateway a would have to start after itself: gateway a after gateway b after gateway a",
            ),
            (
                &[("a", &["user"])],
                "0: gateway a would have to start after itself: gateway a after bundle user after gateway a",
            ),
        ] {
            let found = problems(Layout::S6Rc, all);
            assert_eq!(found, [format!("{circle}; remove one of them from an after list")]);
        }
        let of = |layout, after: &'static str| problems(layout, &[("a", &[after])]).len();
        for (after, in_s6_rc, in_s6_overlay) in
            [("user", 1, 0), ("user2", 0, 1), ("legacy-services", 1, 0), ("top", 1, 1), ("base", 0, 0)]
        {
            assert_eq!((of(Layout::S6Rc, after), of(Layout::S6Overlay, after)), (in_s6_rc, in_s6_overlay), "{after}");
        }
        let none: [&str; 0] = [];
        let chain: Vec<(String, String)> = (0..500).map(|n| (format!("p{n}"), format!("gateway-p{}", n + 1))).collect();
        let names: Vec<[&str; 1]> = chain.iter().map(|(_, after)| [after.as_str()]).collect();
        let all: Vec<(&str, &[&str])> =
            chain.iter().zip(&names).map(|((name, _), after)| (name.as_str(), &after[..])).collect();
        assert_eq!(problems(Layout::S6Rc, &all), none, "a chain is not a circle");
        assert_eq!(problems(Layout::S6Rc, &[("a", &["gateway-a-log", "gateway-b"]), ("b", &["nothing-known"])]), none);
    }
}
