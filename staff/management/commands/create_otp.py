"""`manage.py create_otp NAME [--replace]`"""

import base64
from argparse import ArgumentParser
from io import StringIO
from typing import Any

import segno
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django_otp.plugins.otp_totp.models import TOTPDevice


class Command(BaseCommand):
    help = "Creates the second factor of a staff account, and prints its QR code, URL and secret, once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the username of the staff account")
        parser.add_argument(
            "--replace", action="store_true", help="replace the existing device, for example a lost one"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["name"], is_staff=True).first()
        if user is None:
            raise CommandError(f"No staff account is named {options['name']}.")
        device = enrol(user, replace=options["replace"])
        picture = StringIO()
        segno.make(device.config_url).terminal(picture, compact=True)
        self.stdout.write(picture.getvalue())
        self.stdout.write(f"For the authenticator app of {user}. This is shown only once:")
        self.stdout.write(device.config_url)
        self.stdout.write(base64.b32encode(device.bin_key).decode())


def enrol(user: User, *, replace: bool = False) -> TOTPDevice:
    """Create the device of `user` and return it. With `replace`, delete an existing one, which ends its sessions.

    Raises CommandError if there is one already and `replace` is False.
    """
    with transaction.atomic():
        existing = TOTPDevice.objects.select_for_update().filter(user=user)
        if existing and not replace:
            raise CommandError(f"{user} already has a device. Use --replace to create a new one and delete it.")
        existing.delete()
        return TOTPDevice.objects.create(user=user, name="authenticator")
