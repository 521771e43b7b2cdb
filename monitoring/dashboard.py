"""The dashboard, as Grafana imports it."""

import itertools
from typing import Final

from grafana_foundation_sdk.builders import common, prometheus, stat, timeseries
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    LegendDisplayMode,
    LegendPlacement,
    StackingMode,
    TooltipDisplayMode,
)
from grafana_foundation_sdk.models.dashboard import DataSourceRef

from monitoring.panel import Panel, Query, Shape, Unit
from monitoring.panels import ROWS

SOURCE: Final = DataSourceRef(type_val="prometheus", uid="${source}")
WIDTH: Final = 24  # of the whole, in Grafana's columns
LINES_HIGH, NUMBER_HIGH = 8, 4
FILLED: Final = 60  # percent

Built = timeseries.Panel | stat.Panel


def dashboard_file() -> str:
    """Return it as JSON; which Prometheus it asks is chosen in Grafana."""
    made = (
        builders.Dashboard("Pointsman")
        .uid("pointsman")
        .description("External addresses for Services: what is announced, by whom, and how fast.")
        .tags(["pointsman", "load-balancer"])
        .readonly()
        .time("now-1h", "now")
        .refresh("30s")
        .with_variable(builders.DatasourceVariable("source").label("Prometheus").type("prometheus"))
    )
    identity = itertools.count(1)
    for row in ROWS:
        made = made.with_row(builders.Row(row.title).id(next(identity)))
        for panel in row.panels:
            made = made.with_panel(_panel(panel, len(row.panels)).id(next(identity)))
    return JSONEncoder(sort_keys=True, indent=2).encode(made.build()) + "\n"


def _panel(panel: Panel, beside: int) -> Built:
    built: Built
    if panel.shape is Shape.NUMBER:
        built = stat.Panel().height(NUMBER_HIGH).span(WIDTH // beside)
        built = built.color_mode(BigValueColorMode.VALUE)
        built = built.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    else:
        built = _lines(panel).height(LINES_HIGH).span(WIDTH // (3 if beside % 4 else 4))
    built = built.title(panel.title).description(panel.about).datasource(SOURCE)
    for number, query in enumerate(panel.queries):
        built = built.with_target(_target(panel, query, number))
    return built.unit(panel.unit.value)


def _lines(panel: Panel) -> timeseries.Panel:
    legend = common.VizLegendOptions().display_mode(LegendDisplayMode.LIST)
    built = (
        timeseries.Panel()
        .min(0)
        .legend(legend.placement(LegendPlacement.BOTTOM).show_legend(True))
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
    )
    if panel.unit is Unit.NUMBER:
        built = built.decimals(0)
    if panel.shape is Shape.STACK:
        stacked = common.StackingConfig().mode(StackingMode.NORMAL)
        built = built.stacking(stacked).fill_opacity(FILLED)
    return built


def _target(panel: Panel, query: Query, number: int) -> prometheus.Dataquery:
    made = prometheus.Dataquery().expr(query.expr).ref_id(chr(ord("A") + number))
    made = made.legend_format(query.legend or panel.title)
    return made.instant() if panel.shape is Shape.NUMBER else made.range()
