//! What the services may use: every distinct limit once.

use super::Service;
use serde::Serialize;
use std::collections::HashMap;

/// Every distinct limit, with the services that have it.
#[derive(Clone, Debug, Serialize)]
pub struct Limits {
    /// In bytes.
    pub memory: Vec<Limit>,
    /// In cores.
    pub cpu: Vec<Limit>,
}

impl Limits {
    pub(super) fn of(services: &[Service]) -> Limits {
        Limits {
            memory: distinct(services, |service| service.memory_limit.0 as f64),
            cpu: distinct(services, |service| service.cpu_limit),
        }
    }
}

/// One limit; that of the most services selects all but the others, so that adding one more changes nothing.
#[derive(Clone, Debug, Serialize)]
pub struct Limit {
    /// In the unit of its list.
    pub value: f64,
    /// Select only these jobs; empty: all but `except`.
    pub only: Vec<String>,
    /// Select all jobs but these.
    pub except: Vec<String>,
}

fn distinct(services: &[Service], of: impl Fn(&Service) -> f64) -> Vec<Limit> {
    let mut limits: Vec<Limit> = Vec::new();
    let mut known: HashMap<u64, usize> = HashMap::new();
    for service in services {
        let (value, name) = (of(service), service.name.clone());
        let index = *known.entry(value.to_bits()).or_insert(limits.len());
        if index == limits.len() {
            limits.push(Limit {
                value,
                only: Vec::new(),
                except: Vec::new(),
            });
        }
        limits[index].only.push(name);
    }
    limits.sort_by_key(|limit| std::cmp::Reverse(limit.only.len()));
    let except = limits
        .iter()
        .skip(1)
        .flat_map(|limit| limit.only.clone())
        .collect();
    if let Some(commonest) = limits.first_mut() {
        *commonest = Limit {
            only: Vec::new(),
            except,
            ..commonest.clone()
        };
    }
    limits
}
