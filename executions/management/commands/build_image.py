"""`manage.py build_image`: build the image that programs run in."""

from contextlib import closing
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from executions.sandbox.engine.engine import Engine, EngineError
from executions.sandbox.engine.guest_image import ImageError, build_image, image_name


class Command(BaseCommand):
    help = "Builds the guest image of this version from guest/, unless the engine already has it."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with closing(Engine()) as engine:
                for line in build_image(engine):
                    if options["verbosity"] > 1:
                        self.stdout.write(line, ending="")
        except (EngineError, ImageError) as error:
            raise CommandError(str(error)) from error
        if options["verbosity"]:
            self.stdout.write(f"guest image: {image_name()}")
