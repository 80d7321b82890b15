"""The admin as a site of ours."""

from django.contrib.admin import AdminSite


class StaffSite(AdminSite):
    """Where staff look after keys and executions. `codeexec.apps` puts it in the place of Django's own."""

    site_header = "pylearn.net · code execution"
    site_title = "pylearn.net"
    index_title = "Overview"
