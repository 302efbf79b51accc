"""The view `packages`: the packages that were installed."""

from __future__ import annotations

from modelhub.catalog.views.view import Column, View

PACKAGES = View(
    name="packages",
    description="The packages that were installed where versions and runs were made. Equal lists are there once.",
    columns=(
        Column("packages_id", "text", "the list it belongs to, as in `environments.packages_id`"),
        Column("name", "text", "the package's name in its normal form: `scikit-learn`"),
        Column("version", "text", "its version; empty if it is not known"),
    ),
    sql="""
select o.oid as packages_id, p.name, p.version
from mh_packages p
join mh_oids o on o.no = p.packages_no
""".strip(),
    example=(
        "select p.version, count(distinct e.run_id) as runs\n"
        "from packages p join environments e on e.packages_id = p.packages_id\n"
        "where p.name = 'torch' group by p.version"
    ),
)
